import pytest

from deepresolve.reports.document import Table


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="needs 2 cells"):
        Table(("a", "b"), (("1", "2"), ("3",)))
