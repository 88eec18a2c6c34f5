def test_writes_a_version_and_refuses_it_again(run_script, silent_workdir, tmp_path):
    flags = [f"--workdir={silent_workdir.path}", f"--output={tmp_path}/models/sr/"]
    result = run_script("deepresolve", "export", *flags)
    assert result.returncode == 0, result.stderr
    assert f"-> {tmp_path}/models/sr/1\n" in result.stdout
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {
        "models/models.config",
        "models/sr/1/saved_model.pb",
        "models/sr/1/variables/variables.index",
        "models/sr/1/assets.extra/deepresolve.json",
        "models/sr/1/assets.extra/tf_serving_warmup_requests",
    } <= found
    again = run_script("deepresolve", "export", *flags, "--version=1")
    assert again.returncode == 1
    assert "error:" in again.stderr
    assert "Give --version=2, or delete the folder" in again.stderr
    assert "Traceback" not in again.stderr
