"""``python -m tests.benchmarks.document bench.json docs/performance.md``: put what was measured into the page.

Replaces what is between `<!-- targets -->` and `<!-- /targets -->`, and between the same of `figures`.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.report import Report, Table, Target, as_markdown, markdown_table, targets_table


def main(found: Path, page: Path) -> None:
    """Read every number, write the tables."""
    page.write_text(filled(page.read_text("utf-8"), read(found)), encoding="utf-8")


def read(found: Path) -> list[Report]:
    """Read the reports that `--json` wrote; each has the noise among its notes."""
    return [
        Report(
            name=each["name"],
            title=each["title"],
            tables=[Table(**table) for table in each["tables"]],
            targets=[Target(**target) for target in each["targets"]],
            notes=[*each["notes"], _noise(each["noise"])],
        )
        for each in json.loads(found.read_text("utf-8"))
    ]


def filled(page: str, reports: Sequence[Report]) -> str:
    """Return the page with these tables in place of those it had."""
    targets = [target for report in reports for target in report.targets]
    met = sum(target.met is True for target in targets)
    verdict = f"{met} of {len(targets)} are met.\n\n{markdown_table(targets_table(targets), titled=False)}"
    figures = "\n".join(as_markdown(report, level=3, targets=False) for report in reports)
    return _between(_between(page, "targets", verdict), "figures", figures.strip())


def _between(page: str, name: str, content: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n\n{content}\n\n{end}", page, count=1, flags=re.DOTALL)


def _noise(noises: Sequence[dict[str, float]]) -> str:
    spreads = sorted(each["spread"] / 2 for each in noises)
    if not spreads:
        return "Noise: not measured."
    return f"Noise ±{spreads[0]:.0%} to ±{spreads[-1]:.0%}."


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
