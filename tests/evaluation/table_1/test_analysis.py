from deepresolve.evaluation.table_1 import analysis, paired_tests, volumes


def test_everything_is_drawn_from_the_same_results(full_results):
    found = analysis.analyse(full_results)
    assert found.results is full_results
    assert found.tests == paired_tests.paired_tests(full_results)
    assert found.volumes == volumes.agreement(full_results)
