import logging
import threading

from deepresolve.system import notes

READER = logging.getLogger("deepresolve.imaging.formats.nifti")


def test_warnings_of_readers_are_gathered_and_not_shown(caplog):
    with notes.collected() as found:
        READER.warning("%s: odd", "scan.nii")
        READER.warning("%s: odd", "scan.nii")
        READER.warning("%s: odder", "scan.nii")
    assert found == ["scan.nii: odd", "scan.nii: odder"]
    assert not caplog.records


def test_whatever_else_is_logged_is_shown(caplog):
    with notes.collected() as found, caplog.at_level(logging.INFO, READER.name):
        READER.info("read")
        logging.getLogger("deepresolve.training").warning("slow")
        other = threading.Thread(target=READER.warning, args=("of another thread",))
        other.start()
        other.join()
    assert not found
    assert caplog.messages == ["read", "slow", "of another thread"]


def test_afterwards_warnings_are_shown_again(caplog):
    with notes.collected():
        pass
    READER.warning("later")
    assert caplog.messages == ["later"]
