from __future__ import annotations

from itertools import pairwise

import pytest

from edge_caption.model.objects import LISTS, Things, colours, objects


@pytest.mark.parametrize(
    ("caption", "references", "unnamed"),
    [
        ("a man rides a horse", ["the guy is on horseback"], []),
        ("a man rides a horse", ["a man on a bike"], ["horse"]),
        ("a person with an animal", ["a woman walks her puppy"], []),
        ("a man on a bench", ["a person sits on a bench"], []),
        ("a man on a bench", ["a person sits on a bench", "a woman on a bench"], ["man"]),
        ("a bicycle", ["somebody rides a bike"], []),
        ("a bicycle", ["somebody rides a motorcycle"], ["bicycle"]),
        ("two dogs and a cat", ["a hot dog"], ["dogs", "cat"]),
        ("a surfer", ["a man on a surfboard"], []),
        ("a surfer", ["a man on the beach"], ["surfer"]),
        ("a man in the sea", ["a man in the water"], []),
        ("a man in the sea", ["a man in the water", "a man in a lake"], ["sea"]),
        ("a snowy hill", ["a mountain under snow"], []),
        ("babies, ponies and buses", ["a baby", "a pony", "a bus"], []),
        ("a kitchen with a sink", ["a room with a stove"], ["sink"]),
        ("a kitchen with a sink", ["a bathroom with a sink"], ["kitchen"]),
        ("a room", ["a bathroom with a sink"], []),
        ("a dog next to a street sign", ["a dog on a street"], ["street sign"]),
        ("something blue happens", ["nothing to see"], []),
    ],
)
def test_an_object_is_unnamed_when_no_reference_names_it_a_kind_of_it_or_what_it_is_a_kind_of(
    caption: str, references: list[str], unnamed: list[str]
) -> None:
    assert objects().unnamed(caption, references) == unnamed


def test_colours_are_held_against_all_references_together() -> None:
    assert colours().unnamed("a tan dog in grey and red", ["a brown dog", "a gray wall"]) == ["red"]


def test_a_list_is_read_by_its_indentation() -> None:
    things = Things("# remark\nfruit\n  apple, pippin\n\nbox, big crate\n")
    assert things.named("Pippins in the big crates .") == {
        "pippins": {("fruit", "apple")},
        "big crates": {("box",)},
    }


@pytest.mark.parametrize("name", ["objects.txt", "colours.txt"])
def test_no_list_names_a_thing_twice_or_has_an_odd_indentation(name: str) -> None:
    lines = [line for line in (LISTS / name).read_text().splitlines() if line.strip() and not line.startswith("#")]
    depths = [len(line) - len(line.lstrip()) for line in lines]
    assert all(depth % 2 == 0 for depth in depths)
    assert all(after <= before + 2 for before, after in pairwise(depths))
    for line in lines:
        names = [part.strip() for part in line.split(",")]
        assert all(names), line
        assert len(set(names)) == len(names), line
    first = [line.split(",")[0].strip() for line in lines]
    assert len(set(first)) == len(first)
