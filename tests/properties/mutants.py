"""Damaged copies of an encoding: what a faulty or hostile peer sends."""

from hypothesis import strategies as st


@st.composite
def mutants(draw: st.DrawFn, encoded: bytes) -> bytes:
    """Change, insert, remove or repeat bytes of `encoded`, one to four times."""
    data = bytearray(encoded)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "insert", "remove", "repeat", "cut"])):
            case "change" if at < len(data):
                data[at] = draw(st.one_of(st.integers(0, 255), st.sampled_from([0x80, 0xC0])))
            case "insert":
                data.insert(at, draw(st.integers(0, 255)))
            case "remove":
                del data[at : at + draw(st.integers(1, 4))]
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 40))]
            case _:
                del data[len(data) - draw(st.integers(0, 3)) :]
    return bytes(data)
