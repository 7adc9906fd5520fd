"""Kernels that a stranger's code may run in: no network, no files but its own, bounded in all.

`walls` says what a sandbox contains, `kernel` runs inside it, without the system's `calls` that it
does not need, `watch` ends what grows too large, `provisioner` puts them together for whatever
starts Jupyter kernels, `warm` starts them quickly.
"""
