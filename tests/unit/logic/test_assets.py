"""Which updates satisfy the condition of a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from tradewind.logic.assets import concerns, in_words, mentioned, missing, satisfied
from tradewind.model.assets import AssetCondition, AssetSpec
from tradewind.model.messages import AssetUpdated

NAMES = "abcd"


def is_(name: str, kind: str = "asset") -> AssetCondition:
    uri = "" if kind in ("alias", "name") else name
    return AssetCondition(asset=AssetSpec(kind=kind, name=name, uri=uri))  # type: ignore[arg-type]


def update(name: str, *aliases: str) -> AssetUpdated:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return AssetUpdated(dag_id="d", event_id=name, name=name, uri=name, at=at, aliases=aliases)


conditions = st.recursive(
    st.sampled_from(NAMES).map(is_),
    lambda inner: st.builds(
        AssetCondition,
        op=st.sampled_from(["all", "any"]),
        members=st.lists(inner, min_size=1, max_size=3).map(tuple),
    ),
    max_leaves=6,
)
some = st.sets(st.sampled_from(NAMES))


def by_definition(condition: AssetCondition, names: set[str]) -> bool:
    """What `a & (b | c)` means to Python itself."""
    if condition.asset is not None:
        return condition.asset.name in names
    held = [by_definition(it, names) for it in condition.members]
    return all(held) if condition.op == "all" else any(held)


@given(conditions, some)
def test_a_condition_means_what_and_and_or_mean(condition: AssetCondition, names: set[str]) -> None:
    assert satisfied(condition, [update(it) for it in names]) == by_definition(condition, names)


@given(conditions, some, some)
def test_more_updates_never_make_a_condition_false(
    condition: AssetCondition, few: set[str], more: set[str]
) -> None:
    if satisfied(condition, [update(it) for it in few]):
        assert satisfied(condition, [update(it) for it in few | more])


@given(conditions, some)
def test_what_is_missing_would_be_enough(condition: AssetCondition, names: set[str]) -> None:
    there = [update(it) for it in names]
    wanted = missing(condition, there)
    assert (wanted == []) == satisfied(condition, there)
    assert satisfied(condition, [*there, *(update(it.name) for it in wanted)])


@given(conditions, some)
def test_updates_of_assets_that_are_not_mentioned_mean_nothing(
    condition: AssetCondition, names: set[str]
) -> None:
    told = [update(it) for it in names if concerns(condition, update(it))]
    assert satisfied(condition, told) == satisfied(condition, [update(it) for it in names])


def test_three_of_three_are_needed() -> None:
    condition = AssetCondition(op="all", members=tuple(map(is_, "abc")))
    for some_of_them in combinations("abc", 2):
        assert not satisfied(condition, [update(it) for it in some_of_them])


def test_an_alias_stands_for_every_asset_that_was_updated_by_way_of_it() -> None:
    condition = is_("reports", "alias")
    assert not satisfied(condition, [update("reports")])
    assert satisfied(condition, [update("x.csv", "others", "reports")])


def test_a_reference_names_the_asset_whatever_its_uri_is() -> None:
    condition = is_("orders", "name")
    at = datetime(2024, 1, 1, tzinfo=UTC)
    told = AssetUpdated(dag_id="d", event_id="1", name="orders", uri="s3://shop/orders", at=at)
    assert satisfied(condition, [told])
    assert not satisfied(is_("orders"), [told])


def test_a_condition_about_nothing_is_never_satisfied() -> None:
    assert not satisfied(AssetCondition(op="all"), [update("a")])


def test_a_condition_is_told_in_words() -> None:
    either = AssetCondition(op="any", members=(is_("b"), is_("c")))
    both = AssetCondition(op="all", members=(is_("a"), either))
    assert in_words(both) == "a and (b or c)"
    assert [it.name for it in mentioned(both)] == ["a", "b", "c"]
