"""An AppendSequence behaves like a tuple, whichever view of it grows."""

from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.sequence import AppendSequence


@given(
    st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["extend", "first"]), st.lists(st.integers(), max_size=4)))
)
def test_views_never_disturb_each_other(steps: list[tuple[int, str, list[int]]]) -> None:
    views: list[AppendSequence[int]] = [AppendSequence()]
    models: list[tuple[int, ...]] = [()]
    for which, action, items in steps:
        view, model = views[which % len(views)], models[which % len(models)]
        if action == "extend":
            views.append(view.extended(items))
            models.append(model + tuple(items))
        else:
            views.append(view.first(len(items)))
            models.append(model[: len(items)])
        assert [tuple(v) for v in views] == models
    for view, model in zip(views, models, strict=True):
        assert len(view) == len(model)
        assert view[:] == model
        assert view[-2:] == model[-2:]
        assert view == AppendSequence(model)
        assert hash(view) == hash(AppendSequence(model))
        if model:
            assert view[-1] == model[-1]


def test_an_index_past_the_view_is_an_error_even_when_the_storage_is_longer() -> None:
    short = AppendSequence([1, 2])
    short.appended(3)
    try:
        short[2]
    except IndexError:
        return
    raise AssertionError("the view showed an item that is not its own")
