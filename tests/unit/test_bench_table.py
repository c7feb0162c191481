"""The table of ``make bench``: medians, ratios, targets, verdicts, and the figures that are read off a server."""

from __future__ import annotations

import pytest

from bench.jobs import JOBS
from bench.jobs.answers import lost
from bench.jobs.crowds import longest_s
from bench.load.meter import percentile
from bench.model import Costs, cost_model
from bench.profile import SCHEDULER, WAITS, shares
from bench.table import COLUMNS, Line, Met, Row, Sample, Target, markdown_table, rich_table, spoken

AT_MOST = Row("a buy", "µs", Target(4, 2, ratio=True))


@pytest.mark.parametrize(
    ("target", "value", "met"),
    [
        (Target(4, 2), 2, Met.BOTH),
        (Target(4, 2), 2.01, Met.MUST),
        (Target(4, 2), 4, Met.MUST),
        (Target(4, 2), 4.01, Met.NO),
        (Target(3, 5, least=True), 5, Met.BOTH),
        (Target(3, 5, least=True), 4.99, Met.MUST),
        (Target(3, 5, least=True), 3, Met.MUST),
        (Target(3, 5, least=True), 2.99, Met.NO),
    ],
)
def test_a_target_is_met_at_its_bound_and_not_beyond_it(target: Target, value: float, met: Met) -> None:
    assert target.met(value) is met


def test_a_row_is_judged_by_the_ratio_of_the_medians() -> None:
    samples = [Sample(60, 20, "Colyseus"), Sample(50, 19, "Colyseus"), Sample(900, 21, "Colyseus")]
    line = Line.of(AT_MOST, samples)
    assert (line.ours, line.beside, line.ratio, line.met) == (60, 20, 3, Met.MUST)
    assert line.cells() == ("a buy", "60 µs", "Colyseus 20 µs", "3.00", "≤ 4 / 2 ×", "must", "3")


def test_a_target_without_a_ratio_is_judged_by_ours_alone() -> None:
    line = Line.of(Row("a connection", "KiB", Target(24, 17)), [Sample(38, 24, "Colyseus")])
    assert (line.ratio, line.met) == (pytest.approx(38 / 24), Met.NO)


def test_where_the_peer_is_missing_nobody_knows_whether_a_ratio_is_met() -> None:
    line = Line.of(AT_MOST, [Sample(60, 20, "Colyseus"), Sample(60)])
    assert (line.beside, line.ratio, line.met) == (None, None, Met.UNKNOWN)
    assert line.cells() == ("a buy", "60 µs", "", "", "≤ 4 / 2 ×", "?", "2")


def test_a_figure_of_something_else_than_the_job_is_told_and_not_judged() -> None:
    line = Line.of(Row("silent", "%", Target(3, 1.5)), [Sample(1.5, note="only 900: ulimit -n"), Sample(1.5)])
    assert line.cells() == ("silent (only 900: ulimit -n)", "1.5 %", "", "", "≤ 3 / 1.5", "?", "2")


@pytest.mark.parametrize(
    ("value", "text"),
    [(17_213.4, "17 213"), (116.4, "116"), (24.34, "24.3"), (20.0, "20"), (1.844, "1.84"), (0.5, "0.5"), (0, "0")],
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert spoken(value) == text


def test_the_table_has_every_line_on_a_terminal_and_in_markdown() -> None:
    rows = [Line.of(AT_MOST, [Sample(60, 20, "Colyseus")]).cells()] * 2
    assert rich_table(COLUMNS, rows).row_count == 2
    lines = markdown_table(COLUMNS, rows).splitlines()
    assert [len(line.split("|")) for line in lines] == [len(COLUMNS) + 2] * 4
    assert lines[1] == "| --- | --: | --: | --: | --- | --- | --: |"


@pytest.mark.parametrize(("part", "value"), [(50, 50), (99, 99), (100, 100), (1, 1), (0, 1)])
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(part: float, value: int) -> None:
    assert percentile([float(each) for each in range(1, 101)], part) == value
    assert percentile([7.0], part) == 7


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"errors": 0, "load_busy": 0.6}, ""),
        ({"delivered": 1.0}, ""),
        ({"errors": 2}, "it lost some!"),
        ({"delivered": 0.998}, "it lost some!"),
        ({"unanswered": 1}, "it lost some!"),
        ({"errors": 0, "load_busy": 0.99}, "the load was too slow"),
    ],
)
def test_a_load_that_measured_something_else_is_told(report: dict[str, float], said: str) -> None:
    assert lost(report) == said


def test_the_longest_lag_is_the_edge_of_the_last_bucket_that_grew() -> None:
    def page(*counts: int) -> str:
        edges = ("0.001", "0.005", "0.01", "+Inf")
        return "\n".join(
            f'tradegame_loop_lag_seconds_bucket{{le="{edge}"}} {count}'
            for edge, count in zip(edges, counts, strict=True)
        )

    assert longest_s(page(5, 6, 7, 8), page(15, 16, 17, 18)) == 0.001
    assert longest_s(page(5, 6, 7, 8), page(15, 17, 18, 19)) == 0.005
    assert longest_s(page(5, 6, 7, 8), page(15, 16, 17, 19)) == float("inf")


def test_what_we_go_for_is_never_easier_than_what_must_be_met() -> None:
    targets = [row.target for job in JOBS.values() for row in job.rows.values() if row.target is not None]
    assert len(targets) >= 15
    for target in targets:
        assert target.met(target.go_for) is Met.BOTH, target
        assert target.met(target.must) is not Met.NO, target


def test_a_profile_counts_each_sample_where_it_is_in_our_code() -> None:
    stacks = [
        "MainThread;run (tradegame/app/process.py:3);step (trio/_core/_run.py:1);put (tradegame/a/outbox.py:9) 3",
        "MainThread;run (tradegame/app/process.py:3);put (tradegame/a/outbox.py:8);send (socket.py:2) 2",
        "MainThread;run (tradegame/app/process.py:3);unrolled_run (trio/_core/_run.py:1) 4",
        "MainThread;run (tradegame/app/process.py:3);get_events (trio/_core/_io_epoll.py:1) 1",
        "Thread-1;commit (tradegame/infra/committer.py:3) 90",
    ]
    assert shares(stacks, by_file=True) == [("a/outbox.py", 0.5), (SCHEDULER, 0.4), (WAITS, 0.1)]
    assert shares(stacks, by_file=False)[0] == ("a/outbox.py: put", 0.5)


COSTS = Costs(c=100e-6, w=20_000, d=10e-6, m=32, h=5e-6, r=25e-6, e=1e-3, p=0.5e-3, g=30_000)


def test_a_busy_game_shows_itself_for_half_of_a_core_until_its_waits_are_as_long_as_they_may_be() -> None:
    assert COSTS.frames(1_000) == pytest.approx(1 / 0.020)
    assert COSTS.showing(1_000) == pytest.approx(1 / 2)
    assert COSTS.frames(10_000) == pytest.approx(1 / 0.150)
    assert COSTS.showing(10_000) == pytest.approx(2 / 3)


def test_players_are_as_many_as_a_core_has_room_for() -> None:
    assert COSTS.players(5) == 400  # 0.7 - 1/2 of a core, at 500 µs a second each
    for rate in (0.2, 5):
        most = COSTS.players(rate)
        assert most * rate * COSTS.c + COSTS.showing(most) <= 0.7
        assert (most + 1) * rate * COSTS.c + COSTS.showing(most + 1) > 0.7


def test_the_cost_model_follows_from_what_was_measured() -> None:
    told = {what: answer for what, _, answer in cost_model(COSTS)}
    assert told["silent connections a core"] == "140 000"
    assert told["silent connections a GiB"] == "33 000"
    assert told["trades a second, a game of 64"] == "7 000"
    assert told["trades a second beside 1 000 followers"] == "2 000"
    assert told["classes of 30 such people on it"] == "330"
    assert told["classes of 30 such people, a node on etcd"] == "120"
    assert told["nodes for 1 000 trades a second, 10 000 followers, 10 frames a second"] == "1.6"


def test_without_a_whole_run_there_is_no_cost_model() -> None:
    assert Costs.of({"buy.cpu": Line.of(AT_MOST, [Sample(60, 20)])}) is None


def test_a_whole_run_has_all_that_the_cost_model_needs() -> None:
    rows = [(f"{name}.{key}", row) for name, job in JOBS.items() if not job.extra for key, row in job.rows.items()]
    lines = {key: Line.of(row, [Sample(1, 1)]) for key, row in rows}
    assert Costs.of(lines) == Costs(c=1e-6, w=1, d=1e-6, m=1, h=1e-6, r=1, e=1e-6, p=1e-3, g=1)
