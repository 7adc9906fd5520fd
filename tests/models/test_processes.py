from pytools.models.processes import rows_of


def test_processes_do_not_change_what_is_found():
    """Results come in the order of the items, however many processes there are."""
    items = [(0, 2), (5, 6), (1, 3)]
    one, two = (rows_of(range, items, processes) for processes in (1, 2))
    assert one == two == [0, 1, 5, 1, 2]
