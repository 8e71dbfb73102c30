"""What changed between two readings of a knowledge base."""

from dataclasses import replace

from indexes.records import Difference, Record, difference

A, B, C = (Record(id=id_, question=f"{id_}?", answer=id_) for id_ in "abc")


def test_rows_are_told_apart_by_their_ids() -> None:
    changed = replace(B, answer="other", line=7)
    found = difference([A, B], [changed, C])
    assert found == Difference(added=(C,), changed=((B, changed),), removed=(A,))


def test_a_row_that_only_moved_has_not_changed() -> None:
    found = difference([replace(A, line=2), replace(B, line=3)], [replace(B, line=2), replace(A, line=3)])
    assert not found
    assert found == Difference()


def test_a_row_whose_id_follows_from_its_text_is_known_by_its_question() -> None:
    renewed = replace(A, id="a2", answer="new")
    assert difference([A, B], [renewed, B]) == Difference(changed=((A, renewed),))


def test_rows_with_the_same_question_are_not_guessed_at() -> None:
    twins = [replace(A, id="a1"), replace(A, id="a2")]
    renewed = replace(A, id="a3", answer="new")
    assert difference(twins, [renewed]) == Difference(added=(renewed,), removed=tuple(twins))
    blank = [replace(A, question=""), replace(A, id="z", question="")]
    assert difference(blank[:1], blank[1:]) == Difference(added=(blank[1],), removed=(blank[0],))
