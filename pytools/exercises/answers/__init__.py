"""References and wrong solutions, a module a topic. A sandbox may leave this folder out."""
