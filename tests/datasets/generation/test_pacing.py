import asyncio

from infinite_rl.datasets.generation.gemini import CallError
from infinite_rl.datasets.generation.pacing import Pace


def test_no_more_calls_are_under_way_than_allowed():
    async def go():
        pace, under_way, most = Pace(3, 60), 0, 0

        async def call():
            nonlocal under_way, most
            async with pace.turn():
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.001)
                under_way -= 1

        await asyncio.gather(*(call() for _ in range(30)))
        return most

    assert asyncio.run(go()) == 3


def test_refusals_of_one_burst_are_one_pause_and_halve_what_is_allowed():
    async def go():
        pace = Pace(8, 60)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(8):
            pace.limited(CallError("rate_limit", "", retry_after=0.05), began)
        assert pace.pauses == 1
        times, under_way, most = [], 0, 0

        async def call():
            nonlocal under_way, most
            async with pace.turn() as at:
                times.append(at)
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.02)
                under_way -= 1

        await asyncio.gather(*(call() for _ in range(8)))
        assert min(times) >= began + 0.05
        assert most == 4
        assert pace.limited(CallError("rate_limit", "", retry_after=0.01), loop.time()) == 0.01
        assert pace.pauses == 2
        pace.succeeded()
        assert pace.pauses == 0

    asyncio.run(go())


def test_without_a_wish_pauses_double_up_to_the_longest():
    async def go():
        pace, waits = Pace(1, 0.04), []
        for _ in range(3):
            async with pace.turn() as began:
                pace.limited(CallError("rate_limit", ""), began)
            start = asyncio.get_running_loop().time()
            async with pace.turn() as at:
                waits.append(at - start)
        assert all(0.03 < wait < 3 for wait in waits)  # 4, 8 and 16 s, cut to 0.04

    asyncio.run(go())


def test_all_calls_come_through_after_successes():
    async def go():
        pace = Pace(4, 60)
        pace.limited(CallError("rate_limit", "", retry_after=0.01), asyncio.get_running_loop().time())

        async def call():
            async with pace.turn():
                await asyncio.sleep(0)
                pace.succeeded()

        async with asyncio.timeout(10):
            await asyncio.gather(*(call() for _ in range(200)))

    asyncio.run(go())


def test_pauses_outlast_a_minute_before_five_of_them_have_passed():
    async def go():
        pace, pauses = Pace(1, 60), []
        for _ in range(4):
            pauses.append(pace.limited(CallError("rate_limit", "", retry_after=0), asyncio.get_running_loop().time()))
            pace._open_at = 0.0
        assert pauses == [4, 8, 16, 32]

    asyncio.run(go())


def test_who_waits_is_let_through_at_the_end():
    async def go():
        pace = Pace(2, 60)
        pace.limited(CallError("rate_limit", "", retry_after=50), asyncio.get_running_loop().time())

        async def call():
            async with pace.turn():
                pass

        calls = [asyncio.create_task(call()) for _ in range(5)]
        await asyncio.sleep(0.01)
        pace.end()
        async with asyncio.timeout(5):
            await asyncio.gather(*calls)

    asyncio.run(go())
