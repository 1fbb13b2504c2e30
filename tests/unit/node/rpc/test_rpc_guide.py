"""docs/guides/json-rpc.md names the methods that there are."""

import asyncio
import re
from pathlib import Path

from node.rpc.node_methods import NodeMethods

GUIDE = (Path(__file__).parents[4] / "docs" / "guides" / "json-rpc.md").read_text("utf-8")
NAME = re.compile(r"`((?:eth|net|web3|txpool|debug|orrery)_[\w…]+)`")
TABLE = GUIDE.partition("| methods | what to know |")[2].partition("\n\n")[0]
CONNECTIONS = {
    *("eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter"),
    *("eth_getFilterChanges", "eth_getFilterLogs", "eth_uninstallFilter"),
    *("eth_subscribe", "eth_unsubscribe"),
}
"""Methods of the server itself, which knows who asks."""


def test_every_method_stands_in_the_table_and_no_other() -> None:
    async def names() -> set[str]:
        return {method.name for method in NodeMethods().methods()}

    there = asyncio.run(names()) | CONNECTIONS
    told = NAME.findall(TABLE)
    patterns = [re.compile(name.replace("…", "[A-Za-z]+")) for name in told]
    assert {name for name in there if not any(p.fullmatch(name) for p in patterns)} == set()
    assert [p.pattern for p in patterns if not any(map(p.fullmatch, there))] == []
