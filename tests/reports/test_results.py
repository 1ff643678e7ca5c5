"""Result files of anybody's: which run they are of, and every number under its own name."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bias_inherit.errors import InputError
from bias_inherit.reports.leaderboard import leaderboard
from bias_inherit.reports.markdown import to_json, to_markdown
from bias_inherit.reports.results import read_runs


def content(results, args="pretrained=org/m,dtype=auto", shots=0, n=100, **more):
    made = {
        "results": {task: {"alias": task, **values} for task, values in results.items()},
        "configs": {task: {"task": task, "metadata": {"version": 1.0}} for task in results},
        "versions": dict.fromkeys(results, 1.0),
        "n-shot": dict.fromkeys(results, shots),
        "config": {"model": "hf", "model_args": args},
    }
    if n:
        made["n-samples"] = {task: {"original": n, "effective": n} for task in results}
    return made | more


def write(folder, made, date="2026-01-01T10-00-00.0"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"results_{date}.json"
    path.write_text(json.dumps(made))
    return path


ACC = {"acc,none": 0.6, "acc_stderr,none": 0.02}


def board(*paths, **more):
    said = []
    sections = leaderboard(read_runs(paths, said.append), **more)
    json.dumps(to_json(sections))
    return {s.title: {r.model: r for r in s.rows} for s in sections}, said, to_markdown(sections)


def test_tasks_and_models_of_one_folder_do_not_hide_each_other(tmp_path):
    write(tmp_path, content({"a": ACC}), "2026-01-01")
    write(tmp_path, content({"b": ACC}), "2026-01-02")
    write(tmp_path, content({"b": ACC}, "pretrained=org/other"), "2026-01-03")
    write(tmp_path, content({"b": ACC}, {"pretrained": "org/m", "peft": "x/lora"}), "2026-01-04")
    shown, said, _ = board(tmp_path)
    assert set(shown["a"]) == {"org/m"} and said == []
    assert set(shown["b"]) == {"org/m", "org/other", "lora"}


def test_the_newest_of_a_task_counts_and_other_settings_stay(tmp_path):
    write(tmp_path, content({"a": {"acc,none": 0.1, "acc_stderr,none": 0.02}}), "2026-01-01")
    write(tmp_path, content({"a": ACC}), "2026-01-02")
    write(tmp_path, content({"a": ACC}, shots=5), "2026-01-03")
    shown, said, _ = board(tmp_path)
    assert len(said) == 1 and "superseded" in said[0] and "2026-01-01" in said[0]
    assert sorted(row.score.value for row in shown["a"].values()) == [0.6, 0.6]
    assert len(shown["a"]) == 2 and any("5-shot" in label for label in shown["a"])


def test_an_ambiguous_baseline_is_refused_with_the_choices(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, content({"a": ACC}))
    runs = read_runs([tmp_path / "one", tmp_path / "two"])
    assert [run.label for run in runs] == ["org/m (one)", "org/m (two)"]
    with pytest.raises(InputError, match=r"2 models are called so: say 'org/m \(one\)' or"):
        leaderboard(runs, "org/m")
    assert leaderboard(runs, "org/m (two)")


@pytest.mark.parametrize(
    ("values", "n", "text"),
    [
        ({"bleu,none": 8.194, "bleu_stderr,none": 0.283}, 50, "8.194 [7.639, 8.749]"),
        ({"perplexity,none": 12.0, "perplexity_stderr,none": 0.5}, 50, "12.000 [11.020, 12.980]"),
        ({"acc,none": 1.0, "acc_stderr,none": 0.0}, 60, "1.000 [0.940, 1.000]"),
        ({"acc,none": 1.0, "acc_stderr,none": 0.0}, None, "1.000 (no spread)"),
        ({"f1,none": 42.0, "f1_stderr,none": 3.0}, 50, "42.000 [36.120, 47.880]"),
        ({"acc,none": "N/A", "acc_stderr,none": "N/A"}, 50, "no data"),
        ({"acc,none": float("nan"), "acc_stderr,none": None}, 50, "no data"),
        ({"n_something,none": 3.0}, 50, "3.000"),
    ],
)
def test_only_what_is_a_share_is_cut(tmp_path, values, n, text):
    shown, _, markdown = board(write(tmp_path, content({"t": values}, n=n)))
    assert text in markdown
    (row,) = next(iter(shown.values())).values()
    assert row.groups == {} and row.n == n
    assert n is not None or "n: unknown." in markdown


def test_filters_groups_and_all_metrics_are_shown_under_their_names(tmp_path):
    made = content(
        {
            "gsm8k": {
                "exact_match,strict-match": 0.5,
                "exact_match_stderr,strict-match": 0.01,
                "exact_match,flexible-extract": 0.6,
                "exact_match_stderr,flexible-extract": 0.01,
            }
        }
    )
    made["results"]["mmlu"] = {"alias": "mmlu", "acc,none": 0.55, "acc_stderr,none": 0.004}
    path = write(tmp_path, made)
    shown, _, _ = board(path)
    assert set(shown) == {
        "gsm8k: exact_match,strict-match",
        "gsm8k: exact_match,flexible-extract",
        "mmlu",
    }
    picked, _, _ = board(path, metrics=["acc"])
    assert set(picked) == {"mmlu"}
    with pytest.raises(InputError, match="unknown metric 'ac'"):
        board(path, metrics=["ac"])


def test_what_cannot_be_compared_says_why(tmp_path):
    write(tmp_path / "a", content({"t": ACC}, "pretrained=org/a"))
    write(tmp_path / "b", content({"t": ACC}, "pretrained=org/b", shots=5))
    write(tmp_path / "c", content({"t": ACC}, "pretrained=org/c", chat_template_sha="abc"))
    write(tmp_path / "d", content({"t": ACC}, "pretrained=org/d", system_instruction="Be kind."))
    write(tmp_path / "e", content({"t": ACC}, "pretrained=org/e", n=50))
    shown, _, markdown = board(tmp_path, baseline="org/a")
    reasons = {name: row.not_compared for name, row in shown["t"].items()}
    assert reasons["org/a"] is None
    assert reasons["org/b"] == "5-shot against 0-shot"
    assert reasons["org/c"] == "with chat template against without"
    assert reasons["org/d"] == "with system instruction against without"
    assert reasons["org/e"] == "n 50 against 100"
    assert all(row.score_change is None for row in shown["t"].values())
    assert "not compared: 5-shot against 0-shot" in markdown


def test_an_old_file_of_a_folder_is_left_out_and_alone_an_error(tmp_path):
    write(tmp_path / "new", content({"a": ACC}))
    old = write(tmp_path / "old", {"results": {"a": {"acc": 0.5}}, "versions": {}})
    shown, said, _ = board(tmp_path)
    assert set(shown) == {"a"} and len(said) == 1
    assert said[0].startswith("left out: ") and "before 0.4" in said[0]
    with pytest.raises(InputError, match=r"before 0\.4"):
        read_runs([old])


def test_samples_of_others_are_paired_by_document(tmp_path):
    for name in ("a", "b"):
        path = write(tmp_path / name, content({"t": ACC}, f"pretrained=org/{name}", n=20))
        rows = [
            {"doc_id": i, "doc_hash": f"h{i}", "filter": "none", "acc": float(i < 12), "x": [1, 2]}
            for i in range(20)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        path.with_name(path.name.replace("results", "samples_t") + "l").write_text(lines)
    shown, _, markdown = board(tmp_path / "a", tmp_path / "b", baseline="org/a")
    assert "+0.000 [-0.150, +0.150]" in markdown and "unpaired" not in markdown
    assert shown["t"]["org/b"].paired


def test_samples_without_a_hash_are_not_paired(tmp_path):
    for name in ("a", "b"):
        path = write(tmp_path / name, content({"t": ACC}, f"pretrained=org/{name}", n=20))
        rows = [{"doc_id": i, "acc": float(i < 12)} for i in range(20)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        path.with_name(path.name.replace("results", "samples_t") + "l").write_text(lines)
    shown, _, markdown = board(tmp_path / "a", tmp_path / "b", baseline="org/a")
    assert shown["t"]["org/b"].paired is False and "(unpaired)" in markdown


def test_results_that_changed_are_read_again(tmp_path):
    """In a notebook the same files are looked at many times in one process."""

    def write_both(right):
        for name, hits in (("a", 12), ("b", right)):
            made = content({"t": {"acc,none": hits / 20, "acc_stderr,none": 0.1}}, n=20)
            made["config"]["model_args"] = f"pretrained=org/{name}"
            path = write(tmp_path / name, made)
            rows = [{"doc_id": i, "doc_hash": f"h{i}", "acc": float(i < hits)} for i in range(20)]
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            path.with_name(path.name.replace("results", "samples_t") + "l").write_text(lines)

    changes = []
    for right in (12, 6):
        write_both(right)
        shown, _, _ = board(tmp_path, baseline="org/a")
        changes.append(shown["t"]["org/b"].score_change.value)
    assert changes == [0.0, pytest.approx(-0.3)]


def test_a_broken_record_of_ours_is_one_line(tmp_path):
    for name in ("a", "b"):
        path = write(tmp_path / name, content({"t": ACC}, f"pretrained=org/{name}"))
        row = {"doc_id": 0, "record": {"family": "choice", "axis": "gender"}}
        sample = path.with_name(path.name.replace("results", "samples_t") + "l")
        sample.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match="sample 1: its record is broken"):
        board(tmp_path, baseline="org/a")


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.text(max_size=5),
    st.just([{"version": 1.0}]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.fixed_dictionaries(
        {
            "headline": st.fixed_dictionaries(
                {"score": st.sampled_from(["acc", 3, None])},
                optional={
                    "gap": st.sampled_from(["acc", 5, ["acc"]]),
                    "gap_n": st.sampled_from(["acc", ["x"], {}]),
                    "gap_range": st.sampled_from([[0, 1], 5, ["a", "b"], None]),
                    "unit": st.sampled_from(["USD", 7]),
                },
            ),
            "provenance": st.sampled_from([None, [], {"source": ["x"]}, "mini"]),
        }
    ),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_values_of_any_type_are_shown_or_refused_and_never_a_traceback(tmp_path, data):
    made = content({"t": dict(ACC)})
    spots = [(made, key) for key in made]
    spots += [(made["results"]["t"], key) for key in ACC]
    spots += [(made["configs"]["t"], "metadata"), (made["configs"]["t"], "num_fewshot")]
    spots += [(made["config"], "model_args"), (made["n-samples"], "t")]
    for where, key in data.draw(st.lists(st.sampled_from(spots), min_size=1, max_size=3)):
        where[key] = data.draw(ANYTHING)
    path = write(tmp_path, made)
    try:
        board(path)
    except InputError as error:
        assert "\n" not in str(error)
