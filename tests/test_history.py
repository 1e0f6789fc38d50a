"""The history of a run: every step told once, and the best accuracy found in it."""

from text2sql.training.history import Accuracy, History, best_of, without_progress


def accuracies(*correct: int) -> list[Accuracy]:
    return [Accuracy(10 * place, right, 20) for place, right in enumerate(correct, start=1)]


def test_a_resumed_run_forgets_what_it_will_write_again(tmp_path):
    history = History(tmp_path)
    for step in (5, 10, 15):
        history.append({"step": step, "loss": 1.0})
    with history.path.open("a") as file:
        file.write('{"step": 20, "lo')  # cut by a kill
    history.forget_after(10)

    assert [record["step"] for record in history.records()] == [5, 10]
    history.append({"step": 15, "loss": 0.5})
    assert history.records()[-1] == {"step": 15, "loss": 0.5}


def test_accuracies_are_read_back_from_among_the_reports_of_the_loss(tmp_path):
    history = History(tmp_path)
    history.append({"step": 10, "loss": 1.0})
    for accuracy in accuracies(3, 5):
        history.append(accuracy.record() | {"epoch": 0.5})

    assert history.accuracies() == accuracies(3, 5)


def test_the_latest_of_equal_accuracies_is_the_best():
    assert best_of(accuracies(3, 7, 7, 6)) == Accuracy(30, 7, 20)
    assert best_of(accuracies(0, 0, 0)) == Accuracy(30, 0, 20)
    assert best_of([]) is None


def test_evaluations_without_progress_are_those_after_the_first_of_the_best():
    assert [without_progress(accuracies(*seen)) for seen in ((), (3,), (3, 3, 2), (3, 3, 4))] == [
        0,
        0,
        2,
        0,
    ]


def test_an_accuracy_says_its_interval_and_count():
    assert str(Accuracy(10, 31, 100)) == (
        "execution accuracy 31.0% (31 of 100, 95 % interval 22.8% to 40.6%)"
    )
