"""Instances that are used again are as fresh ones."""

import ctypes
import os

import pytest
from tiny_guest import on_worker, tiny_instances

from infinite_rl.runtimes.instance import Budget
from infinite_rl.runtimes.pagemap import PageMap

BUDGET = Budget(5.0)
MEMORY = 8 << 20


@pytest.fixture
def instances(tiny):
    made = tiny_instances()
    if not made.enabled:
        pytest.skip("this system does not tell which pages were written")
    yield made
    made.close()


def memory_of(instance):
    return ctypes.string_at(instance.base(), instance.memory_size())


def run(instances, letter, stdin=b"x"):
    instance = instances.take(MEMORY)
    ending = on_worker(lambda: instance.run(letter, stdin, 1000, BUDGET))
    instances.give_back(instance, ending.value is not None)
    return instance


@pytest.mark.parametrize("letter", [b"e", b"E", b"s", b"h", b"w"])
def test_memory_and_globals_are_those_of_a_fresh_instance_byte_by_byte(instances, letter):
    fresh = instances.take(MEMORY)
    used = run(instances, letter, b"hello" * 100)
    assert instances.take(MEMORY) is used
    assert memory_of(used) == memory_of(fresh)
    assert [bytes(value) for value in used.globals()] == [bytes(value) for value in fresh.globals()]


@pytest.mark.parametrize("letter", [b"u", b"x", b"m", b"g", b"f", b"r"])
def test_a_trap_or_grown_memory_ends_an_instance(instances, letter):
    used = run(instances, letter)
    assert instances.take(MEMORY) is not used


def test_an_instance_whose_table_holds_the_exchange_is_not_used_again(instances):
    instance = instances.take(MEMORY)
    instance.open_exchange(lambda request: request)
    ending = on_worker(lambda: instance.run(b"p", b"x", 1000, BUDGET))
    assert ending.value == 0
    instances.give_back(instance, True)
    assert instances.take(MEMORY) is not instance


def test_a_guest_without_its_builders_word_gets_fresh_instances(tiny):
    instances = tiny_instances(restorable=False)
    used = run(instances, b"e")
    assert instances.take(MEMORY) is not used


def test_a_reused_instance_has_the_memory_limit_of_its_new_run(instances):
    run(instances, b"e")
    instance = instances.take(1 << 20)
    assert on_worker(lambda: instance.run(b"m", b"", 1000, BUDGET)).exit_code == 1
    assert instance.memory_size() == instance.guest.minimum_memory + (1 << 20)
    instance.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_does_not_believe_its_parents_page_map(instances):
    pages = PageMap()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, b"none" if pages.written(0, 4096) is None else b"some")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 4) == b"none"
    os.close(reader)
    os.close(writer)
    pages.close()
