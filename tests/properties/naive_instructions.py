"""The instructions of the naive virtual machine that do more than compute."""

from primitives.address import contract_address
from primitives.fork import Fork
from primitives.ids import Address
from primitives.keccak import keccak256
from tests.properties.naive_evm import Call, Halt, NaiveEvm, valid_targets


def word(data: bytes | bytearray) -> int:
    return int.from_bytes(data, "big")


def account(item: int) -> Address:
    return Address(item.to_bytes(32, "big")[12:])


def window(data: bytes, start: int, size: int) -> bytes:
    return data[start : start + size] + bytes(size - len(data[start : start + size]))


def perform(vm: NaiveEvm, c: Call, op: int) -> None:
    """Run one instruction whose static gas is paid and whose operands are there."""
    if op in (0xF0, 0xF5):
        create(vm, c, op)
    elif op in (0xF1, 0xF2, 0xF4, 0xFA):
        call(vm, c, op)
    elif op in (0x00, 0xF3, 0xFD, 0xFF, 0x56, 0x57):
        control(vm, c, op)
    elif op in (0x54, 0x55, 0x5C, 0x5D):
        storage(vm, c, op)
    elif op in (0x20, 0x37, 0x39, 0x3C, 0x3E, 0x51, 0x52, 0x53, 0x5E) or 0xA0 <= op <= 0xA4:
        memory(vm, c, op)
    elif op != 0x5B:
        inform(vm, c, op)


def inform(vm: NaiveEvm, c: Call, op: int) -> None:
    state, block, pop = vm.state, vm.block, c.stack.pop
    if op == 0x50:
        pop()
        return
    if op in (0x31, 0x3B, 0x3F):
        who = account(pop())
        vm.warm(c, who)
        if op == 0x31:
            result = state.balance(who)
        elif op == 0x3B:
            result = len(state.code(who))
        else:
            result = 0 if state.is_empty(who) else word(state.code_hash(who))
    elif op == 0x35:
        result = word(window(c.data, pop(), 32))
    elif op == 0x40:
        number = pop()
        known = block.number - 256 <= number < block.number
        result = word(block.block_hash(number)) if known else 0
    elif op == 0x49:
        pop()
        result = 0
    elif op == 0x47:
        result = state.balance(c.address)
    else:
        result = {
            0x30: word(c.address), 0x32: word(vm.origin), 0x33: word(c.caller), 0x34: c.value,
            0x36: len(c.data), 0x38: len(c.code), 0x3A: vm.price, 0x3D: len(c.returned),
            0x41: word(block.fee_recipient), 0x42: block.timestamp, 0x43: block.number,
            0x44: word(block.prev_randao), 0x45: block.gas_limit, 0x46: block.chain_id,
            0x48: block.base_fee, 0x4A: block.blob_base_fee, 0x58: c.pc - 1,
            0x59: len(c.memory), 0x5A: c.gas,
        }[op]  # fmt: skip
    c.stack.append(result)


def memory(vm: NaiveEvm, c: Call, op: int) -> None:
    pop = c.stack.pop
    if op == 0x51:
        place = pop()
        vm.memory(c, (place, 32))
        c.stack.append(word(c.memory[place : place + 32]))
    elif op in (0x52, 0x53):
        place, value = pop(), pop()
        size = 32 if op == 0x52 else 1
        vm.memory(c, (place, size))
        c.memory[place : place + size] = value.to_bytes(32, "big")[32 - size :]
    elif op == 0x20:
        place, size = pop(), pop()
        vm.pay(c, 6 * ((size + 31) // 32))
        vm.memory(c, (place, size))
        c.stack.append(word(keccak256(bytes(c.memory[place : place + size]) if size else b"")))
    elif op >= 0xA0:
        if c.static:
            raise Halt("WriteInStaticContext")
        place, size = pop(), pop()
        vm.pay(c, 8 * size)
        vm.memory(c, (place, size))
        vm.log(c, [pop() for _ in range(op - 0xA0)], bytes(c.memory[place : place + size]))
    else:
        copy(vm, c, op)


def copy(vm: NaiveEvm, c: Call, op: int) -> None:
    pop = c.stack.pop
    who = account(pop()) if op == 0x3C else c.address
    target, source, size = pop(), pop(), pop()
    if op == 0x3E and source + size > len(c.returned):
        raise Halt("ReturnDataOutOfBounds")
    vm.pay(c, 3 * ((size + 31) // 32))
    vm.memory(c, (target, size), *([(source, size)] if op == 0x5E else []))
    if op == 0x3C:
        vm.warm(c, who)
        data = vm.state.code(who)
    else:
        data = {0x37: c.data, 0x39: c.code, 0x3E: c.returned, 0x5E: bytes(c.memory)}[op]
    if size:
        c.memory[target : target + size] = window(data, source, size)


def control(vm: NaiveEvm, c: Call, op: int) -> None:
    pop = c.stack.pop
    if op in (0x56, 0x57):
        target = pop()
        if op == 0x57 and not pop():
            return
        if target not in valid_targets(c.code):
            raise Halt("InvalidJump")
        c.pc = target
        return
    c.done = True
    if op in (0xF3, 0xFD):
        place, size = pop(), pop()
        vm.memory(c, (place, size))
        c.output = bytes(c.memory[place : place + size]) if size else b""
        c.reverted = op == 0xFD
    elif op == 0xFF:
        destroy(vm, c, account(pop()))


def destroy(vm: NaiveEvm, c: Call, heir: Address) -> None:
    if c.static:
        raise Halt("WriteInStaticContext")
    if heir not in vm.precompiles and not vm.state.warm_address(heir):
        vm.pay(c, 2600)
    balance = vm.state.balance(c.address)
    if balance and vm.state.is_empty(heir):
        vm.pay(c, 25000)
    if heir != c.address and (balance or vm.fork < Fork.PARIS):
        vm.state.add_balance(heir, balance)
    goes = vm.fork < Fork.CANCUN or vm.state.was_created(c.address)
    if (heir != c.address or goes) and balance:
        vm.state.change(c.address).balance -= balance
    if goes:
        if vm.fork < Fork.LONDON and c.address not in vm.state.now.destroyed:
            c.refund += 24000
        vm.state.destroy(c.address)


def storage(vm: NaiveEvm, c: Call, op: int) -> None:
    state, pop = vm.state, c.stack.pop
    slot = pop()
    if op == 0x54:
        if not state.warm_slot(c.address, slot):
            vm.pay(c, 2000)
        c.stack.append(state.load(c.address, slot))
    elif op == 0x5C:
        c.stack.append(state.load_transient(c.address, slot))
    elif c.static:
        raise Halt("WriteInStaticContext")
    elif op == 0x5D:
        state.store_transient(c.address, slot, pop())
    else:
        if c.gas <= 2300:
            raise Halt("OutOfGas")
        cold = 0 if state.warm_slot(c.address, slot) else 2100
        store(vm, c, slot, pop(), cold)


def store(vm: NaiveEvm, c: Call, slot: int, value: int, cold: int) -> None:
    current = vm.state.load(c.address, slot)
    clear = 4800 if vm.fork >= Fork.LONDON else 15000
    if value == current:
        vm.pay(c, cold + 100)
        return
    original = vm.state.original(c.address, slot)
    if current == original:
        vm.pay(c, cold + (20000 if original == 0 else 2900))
        if value == 0:
            c.refund += clear
    else:
        vm.pay(c, cold + 100)
        if original and current == 0:
            c.refund -= clear
        if original and value == 0:
            c.refund += clear
        if value == original:
            c.refund += 19900 if original == 0 else 2800
    vm.state.store(c.address, slot, value)


def call(vm: NaiveEvm, c: Call, op: int) -> None:
    pop = c.stack.pop
    wanted, who = pop(), account(pop())
    value = pop() if op in (0xF1, 0xF2) else 0
    inside, size, outside, room = pop(), pop(), pop(), pop()
    if op == 0xF1 and value and c.static:
        raise Halt("WriteInStaticContext")
    vm.memory(c, (inside, size), (outside, room))
    cold = who not in vm.precompiles and not vm.state.warm_address(who)
    vm.pay(c, (2500 if cold else 0) + (9000 if value else 0))
    if op == 0xF1 and value and vm.state.is_empty(who):
        vm.pay(c, 25000)
    code = vm.state.code(who)
    precompile = vm.precompiles.get(who)
    if vm.fork >= Fork.PRAGUE and len(code) == 23 and code[:3] == b"\xef\x01\x00":
        vm.pay(c, 100)
        vm.warm(c, Address(code[3:]))
        code = vm.state.code(Address(code[3:]))
    gas = min(wanted, c.gas - c.gas // 64)
    c.gas -= gas
    c.returned = b""
    child = Call(c.address, who, code, value, bytes(c.memory[inside : inside + size]), gas)
    child.gas += 2300 if value else 0
    child.depth, child.static = c.depth + 1, c.static or op == 0xFA
    if op in (0xF2, 0xF4):
        child.address = c.address
    if op == 0xF4:
        child.caller, child.value = c.caller, c.value
    if c.depth >= 1024 or vm.state.account(c.address).balance < value:
        c.gas += child.gas
        c.stack.append(0)
        return
    mark = vm.state.snapshot()
    if value:
        vm.state.take_balance(c.address, value)
        vm.state.add_balance(child.address, value)
    elif op != 0xF4 and vm.fork < Fork.PARIS:
        vm.state.add_balance(child.address, 0)
    if precompile is not None:
        run_precompile(vm, child, who)
    else:
        vm.run(child)
    if child.failure or child.reverted:
        vm.state.revert(mark)
    finish(c, child, outside, room)


def run_precompile(vm: NaiveEvm, child: Call, who: Address) -> None:
    price = vm.precompiles[who].gas(child.data)
    output = vm.precompiles[who].run(child.data, None) if price <= child.gas else None
    if output is None:
        child.failure, child.gas = "PrecompileFailure", 0
    else:
        child.output, child.gas = output, child.gas - price


def finish(c: Call, child: Call, place: int, room: int) -> None:
    c.gas += child.gas
    c.refund += child.refund
    c.returned = child.output
    part = child.output[:room]
    c.memory[place : place + len(part)] = part
    c.stack.append(0 if child.failure or child.reverted else 1)


def create(vm: NaiveEvm, c: Call, op: int) -> None:
    pop, state = c.stack.pop, vm.state
    value, place, size = pop(), pop(), pop()
    salt = pop().to_bytes(32, "big") if op == 0xF5 else b""
    if c.static:
        raise Halt("WriteInStaticContext")
    metered = vm.fork >= Fork.SHANGHAI
    if metered and size > 49152:
        raise Halt("InitcodeTooLarge")
    vm.pay(c, ((2 if metered else 0) + (6 if salt else 0)) * ((size + 31) // 32))
    vm.memory(c, (place, size))
    code = bytes(c.memory[place : place + size]) if size else b""
    c.returned = b""
    own = state.account(c.address)
    if c.depth >= 1024 or own.balance < value or own.nonce >= 2**64 - 1:
        c.stack.append(0)
        return
    gas = c.gas - c.gas // 64
    c.gas -= gas
    if salt:
        address = Address(keccak256(b"\xff" + c.address + salt + keccak256(code))[12:])
    else:
        address = contract_address(c.address, own.nonce)
    state.warm_address(address)
    state.set_nonce(c.address, own.nonce + 1)
    if state.nonce(address) or state.code(address) or state.has_storage(address):
        c.stack.append(0)
        return
    child = Call(c.address, address, code, value, b"", gas, c.depth + 1)
    vm.run(child, is_creation=True)
    failed = bool(child.failure or child.reverted)
    c.gas += child.gas
    c.refund += child.refund
    c.returned = child.output if child.reverted else b""
    c.stack.append(0 if failed else word(address))
