"""How many threads and processes a model gets."""

from __future__ import annotations

from bias_inherit import threads


def test_a_small_model_gets_one_thread_and_the_user_is_asked_first(lab_base, tmp_path, monkeypatch):
    import torch

    monkeypatch.delenv(threads.SET_BY_USER, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert threads.is_small(lab_base) and not threads.is_small(str(tmp_path))
        with threads.cpu_threads(lab_base) as many:
            assert many == torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with threads.cpu_threads(str(tmp_path)) as many:
            assert many == 2
        monkeypatch.setenv(threads.SET_BY_USER, "2")
        with threads.cpu_threads(lab_base) as many:
            assert many == 2
        monkeypatch.setattr(threads, "cores", lambda: 8)
        on_gpu = torch.cuda.is_available()
        for set_to, at_once in (("2", 4), ("3", 2), ("16", 1), ("", 5), ("some", 5)):
            monkeypatch.setenv(threads.SET_BY_USER, set_to)
            assert threads.side_by_side(lab_base, 5) == (1 if on_gpu else at_once)
        assert threads.side_by_side(str(tmp_path), 5) == 1
    finally:
        torch.set_num_threads(before)
