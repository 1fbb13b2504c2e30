"""Dependencies of a block's transactions, and who may run when."""

from node.schedule.bounds import (
    SCHEDULERS as SCHEDULERS,
    Shape as Shape,
    bound as bound,
    scheduler_named as scheduler_named,
    shape as shape,
)
from node.schedule.graph import (
    ORDERED as ORDERED,
    RAW as RAW,
    WAR as WAR,
    WAW as WAW,
    Graph as Graph,
    build_graph as build_graph,
)
from node.schedule.hint import (
    MalformedHint as MalformedHint,
    ScheduleHint as ScheduleHint,
    decode_hint as decode_hint,
    encode_hint as encode_hint,
    guess_hint as guess_hint,
)
from node.schedule.rules import (
    DeltaRule as DeltaRule,
    EdgeRule as EdgeRule,
    LazyRule as LazyRule,
    StrictRule as StrictRule,
)
from node.schedule.scheduler import (
    Plan as Plan,
    Scheduler as Scheduler,
    TaskNet as TaskNet,
    graph_tasks as graph_tasks,
)
