"""The attacks: a list that one can add to.

Each is a function of a hostile client, and does its worst for a few seconds. ``@attack("walks")`` puts it on the list,
with what it is after, in the words of docs/SECURITY.md. What the server does to stop it is a GoneError, and the next
attack has its turn. What an attack opens is closed when its time is up.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import trio

from tests.hostile.hostile import Hostile
from tests.hostile.line import GoneError, Line
from tests.robustness.garbage_frames import FORBIDDEN_FRAMES
from tests.robustness.garbage_host import BODIES
from tests.robustness.garbage_http import PATHS, REFUSED
from tests.robustness.garbage_requests import NOT_REQUESTS, malformed_requests
from tests.support.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, ask, frame, text, upgrade
from tests.support.tls_records import TlsRecords, client_hello

Attack = Callable[[Hostile], Awaitable[None]]
ATTACKS: list[Attack] = []
AFTER: dict[str, str] = {}
"""By the attack's name, what it is after."""

BURST = 40
"""As many commands as a server takes at once by default."""
EMOJI = "\U0001f600"
MALFORMED = [request for request, _ in malformed_requests()]
SMALL_BUFFER = 4_096


def attack(after: str) -> Callable[[Attack], Attack]:
    """Onto the list."""

    def add(function: Attack) -> Attack:
        ATTACKS.append(function)
        AFTER[function.__name__] = after
        return function

    return add


@asynccontextmanager
async def drained(line: Line) -> AsyncIterator[Line]:
    """Everything that comes is read meanwhile, and forgotten; closed at the end."""

    async def read() -> None:
        with suppress(GoneError):
            while await line.read(within_s=60):
                pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        try:
            yield line
        finally:
            nursery.cancel_scope.cancel()
            line.close()


async def http(hostile: Hostile, request: bytes, *, for_s: float = 1.0) -> None:
    """One request on a connection of its own, and what comes back."""
    async with await hostile.connect() as line:
        await line.send(request)
        await line.drain(for_s)


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode("latin-1")


# Talk


@attack("entries")
async def chat_of_emoji(hostile: Hostile) -> None:
    """Forty lines of 500 characters of four bytes in one write, with keys of emoji, again when the bucket is full."""
    async with drained(await hostile.player()) as line:
        await line.send(ask("leave", game=hostile.game))
        for burst in range(3):
            key = f"{EMOJI * 55}{hostile.random.randrange(1000)}"
            say = [
                ask("say", game=hostile.game, text=EMOJI * 500, key=f"{key}{burst}{number}") for number in range(BURST)
            ]
            await line.send(b"".join(say))
            await trio.sleep(2.2)


@attack("frames out")
async def chat_that_grows_when_escaped(hostile: Hostile) -> None:
    """Quotes and backslashes double in JSON; the talker follows the game and reads all of it."""
    async with drained(await hostile.player()) as line:
        for _ in range(3):
            content = hostile.random.choice(('"' * 500, "\\" * 500, "\N{SNOWMAN}" * 500, "\u00e9" * 500))
            await line.send(ask("say", id=1, game=hostile.game, text=content) * BURST)
            await trio.sleep(1.5)


@attack("frames out")
async def whispers(hostile: Hostile) -> None:
    """To the house, to nobody, to oneself: in the log like everything else."""
    async with await hostile.player() as line:
        for _ in range(4):
            to = hostile.random.choice(("house", "nobody", "p-1"))
            await line.send(ask("say", id=1, game=hostile.game, text=EMOJI * 500, to=to) * BURST)
            await line.drain(1)


# Trade


@attack("walks")
async def long_walks(hostile: Hostile) -> None:
    """Sell a million units that nobody has, and buy a million that nobody can pay."""
    async with drained(await hostile.player()) as line:
        good = hostile.random.choice(hostile.goods)
        await line.send(ask("buy", game=hostile.game, good=good, qty=1))
        for _ in range(6):
            op = hostile.random.choice(("sell", "sell", "buy"))
            await line.send(ask(op, id=1, game=hostile.game, good=good, qty=1_000_000) * 20)
            await trio.sleep(1)


@attack("walks")
async def walks_within_their_means(hostile: Hostile) -> None:
    """Orders that eat as many small orders as cash and goods are good for."""
    async with drained(await hostile.player()) as line:
        for _ in range(6):
            good = hostile.random.choice(hostile.goods)
            for op in ("buy", "sell"):
                qty = hostile.random.randint(50, 400)
                await line.send(ask(op, id=1, game=hostile.game, good=good, qty=qty) * 10)
            await trio.sleep(1)


@attack("walks")
async def dust_up_to_the_cap(hostile: Hostile) -> None:
    """Fifty orders of one unit each, then all of them cancelled, known or not."""
    async with drained(await hostile.player()) as line:
        good = hostile.random.choice(hostile.goods)
        for burst in range(3):
            prices = [hostile.random.randint(1, 12) for _ in range(BURST)]
            order = [
                ask("order", id=1, game=hostile.game, good=good, side="bid", qty=1, price=price) for price in prices
            ]
            await line.send(b"".join(order))
            await trio.sleep(1.5)
            if burst % 2:
                cancel = [
                    ask("cancel", id=1, game=hostile.game, order=f"o{hostile.random.randrange(1, 50_000)}")
                    for _ in range(BURST)
                ]
                await line.send(b"".join(cancel))
                await trio.sleep(1.5)


@attack("walks")
async def quotes_that_flicker(hostile: Hostile) -> None:
    """The best price, placed and taken back: every frame shows a book."""
    async with await hostile.player() as line:
        good = hostile.random.choice(hostile.goods)
        for _ in range(60):
            reply = await line.ask("order", game=hostile.game, good=good, side="bid", qty=1, price=15)
            if "ok" in reply:
                await line.ask("cancel", game=hostile.game, order=reply["ok"]["order"])


@attack("walks")
async def amendments_that_flicker(hostile: Hostile) -> None:
    """Orders that change their price all the time, up to the best and across it, and orders that nobody has placed."""
    async with drained(await hostile.player()) as line:
        good, chance = hostile.random.choice(hostile.goods), hostile.random
        for burst in range(4):
            key = f"{chance.randrange(10**9)}-"
            place = [
                ask("order", game=hostile.game, good=good, side="bid", qty=9, price=15, key=f"{key}{number}")
                for number in range(6)
            ]
            amend = [
                ask(
                    "amend",
                    game=hostile.game,
                    order=f"o{chance.randrange(1, 60_000)}",
                    price=chance.choice((1, 15, 22, 30, 10**9)),
                    **chance.choice(({}, {"qty": chance.randrange(1, 1000)}, {"post_only": True})),
                )
                for _ in range(BURST - len(place))
            ]
            await line.send(b"".join(place + amend))
            await trio.sleep(2.1 if burst % 2 else 1.1)


@attack("walks")
async def quotes_amended_one_by_one(hostile: Hostile) -> None:
    """Own orders, each amended to another price or to fewer units as soon as the answer is there."""
    async with await hostile.player() as line:
        good, orders = hostile.random.choice(hostile.goods), list[str]()
        for number in range(60):
            if len(orders) < 5:
                reply = await line.ask("order", game=hostile.game, good=good, side="bid", qty=9, price=12 + number % 4)
            else:
                change = hostile.random.choice(({"price": 10 + number % 9}, {"qty": 1 + number % 9}))
                reply = await line.ask("amend", game=hostile.game, order=orders.pop(0), **change)
            if "ok" in reply:
                orders.append(reply["ok"]["order"])


@attack("entries")
async def trades_that_pay_for_the_next(hostile: Hostile) -> None:
    """In one write: buy from one large order, then sell all of it to hundreds of small ones, as often as a burst has
    room for; and clear a large order of one's own out of the way of the rest.
    """
    async with drained(await hostile.player()) as line:
        good, game = hostile.random.choice(hostile.goods), hostile.game
        for turn in range(3):
            if turn % 2:
                first = ask("order", game=game, good=good, side="bid", qty=40_000, price=20)
                first += ask("cancel_all", game=game, good=good)
            else:
                first = ask("buy", game=game, good=good, qty=5_000)
            await line.send(first + ask("sell", game=game, good=good, qty=100) * (BURST - 3))
            await trio.sleep(2.1)


@attack("walks")
async def all_or_nothing(hostile: Hostile) -> None:
    """More than there is, all of it or nothing; and what must only rest, where it would trade."""
    async with drained(await hostile.player()) as line:
        good, game = hostile.random.choice(hostile.goods), hostile.game
        await line.send(ask("buy", game=game, good=good, qty=200))
        for _ in range(5):
            op, qty = hostile.random.choice(("buy", "sell")), hostile.random.choice((101, 200, 5_001, 1_000_000))
            kill = ask(op, id=1, game=game, good=good, qty=qty, fill_or_kill=True)
            side, price = hostile.random.choice((("bid", 10**9), ("ask", 1)))
            rest = ask("order", id=2, game=game, good=good, side=side, qty=qty, price=price, post_only=True)
            await line.send((kill + rest) * (BURST // 4))
            await trio.sleep(1.1)


@attack("walks")
async def orders_cancelled_all_at_once(hostile: Hostile) -> None:
    """As many as may be open, in every good, and all of them cancelled in every way, also where there are none."""
    async with drained(await hostile.player()) as line:
        game, goods = hostile.game, hostile.goods
        for _ in range(4):
            some = [
                ask("order", game=game, good=goods[number % len(goods)], side="bid", qty=1, price=1 + number % 14)
                for number in range(BURST - 5)
            ]
            which: list[dict[str, str]] = [{"side": "ask"}, {"good": goods[0]}, {"good": goods[-1], "side": "bid"}, {}]
            await line.send(b"".join(some + [ask("cancel_all", id=1, game=game, **each) for each in which]))
            await trio.sleep(2.1)
            await line.send(ask("cancel_all", id=2, game=game) * 10)


@attack("reads")
async def fills_and_orders_again_and_again(hostile: Hostile) -> None:
    """The longest answers that are a player's own: fifty fills, fifty orders that are done, as many that are open."""
    async with drained(await hostile.player()) as line:
        good, game = hostile.random.choice(hostile.goods), hostile.game
        await line.send(ask("buy", game=game, good=good, qty=1) * 20 + ask("sell", game=game, good=good, qty=1) * 20)
        await trio.sleep(1)
        await line.send(ask("order", game=game, good=good, side="bid", qty=1, price=3) * 20)
        for _ in range(5):
            await line.send(ask("fills", id=1, game=game, limit=50) * 10 + ask("orders", id=2, game=game) * 10)
            await trio.sleep(1)


@attack("entries")
async def choices_that_flip(hostile: Hostile) -> None:
    """Cancel on disconnect, chosen and taken back, as fast as may be: each goes through the log."""
    async with drained(await hostile.player()) as line:
        flip = [ask("join", id=number, game=hostile.game, cancel_on_disconnect=not number % 2) for number in range(20)]
        for _ in range(5):
            await line.send(b"".join(flip))
            await trio.sleep(2)


@attack("entries")
async def departures_of_many(hostile: Hostile) -> None:
    """Players who choose that their orders go with them, have many, and go; some come back at the last moment."""
    for _ in range(4):
        line = await hostile.player(anew=0.5)
        with suppress(GoneError):
            await line.ask("join", game=hostile.game, cancel_on_disconnect=True)
            orders = [
                ask(
                    "order",
                    game=hostile.game,
                    good=hostile.random.choice(hostile.goods),
                    side="bid",
                    qty=1,
                    price=price,
                )
                for price in range(1, 15)
            ]
            await line.send(b"".join(orders) * 2)
            await line.drain(0.5)
        line.reset() if hostile.random.random() < 0.5 else line.close()
        await trio.sleep(hostile.random.uniform(0, 1.5))


@attack("rates")
async def keys_used_again(hostile: Hostile) -> None:
    """One key for everything: most are refused, and each is looked up."""
    async with drained(await hostile.player()) as line:
        for number in range(6):
            await line.send(
                ask("order", game=hostile.game, good=hostile.goods[0], side="bid", qty=1, price=number + 1, key="k")
                * (BURST // 2)
                + ask("cancel", game=hostile.game, order="o1", key="k") * (BURST // 2)
            )
            await trio.sleep(1)


@attack("walks")
async def amends_of_orders_to_come(hostile: Hostile) -> None:
    """Ids that nobody has yet: what such a command could meet is all that there is."""
    async with drained(await hostile.player()) as line:
        for burst in range(6):
            first = 10**7 + 100 * burst
            amends = [
                ask(
                    "amend",
                    id=1,
                    game=hostile.game,
                    order=f"o{first + number}",
                    price=hostile.random.choice((1, 10**9)),
                )
                for number in range(20)
            ]
            await line.send(b"".join(amends))
            await trio.sleep(1)


# More than one's share


@attack("rates")
async def a_bucket_filled_by_coming_back(hostile: Hostile) -> None:
    """Thirty-nine commands a connection, again and again, as one player."""
    async with await hostile.player() as line:
        token = hostile.tokens[-1]
    for number in range(20):
        async with await hostile.socket() as line:
            keys = [f"{number}-{place}-{hostile.random.randrange(10**6)}" for place in range(39)]
            commands = [ask("cancel", id=1, game=hostile.game, order="o1", key=key) for key in keys]
            await line.send(ask("hello", id=0, token=token) + b"".join(commands))
            await line.drain(0.15)


@attack("rates")
async def tokens_guessed(hostile: Hostile) -> None:
    """Thousands of tokens on a connection that never was anybody."""
    async with drained(await hostile.socket()) as line:
        for _ in range(20):
            await line.send(ask("hello", id=1, token=f"{hostile.random.getrandbits(128):x}") * 200)


@attack("rates")
async def requests_of_nobody(hostile: Hostile) -> None:
    """Everything but hello, before hello."""
    async with drained(await hostile.socket()) as line:
        for _ in range(20):
            await line.send(ask("ping", id=1) * 100 + ask("standings", id=2, game=hostile.game) * 10)


@attack("rates")
async def a_flood_of_commands(hostile: Hostile) -> None:
    """As fast as TCP takes them: most are over the rate."""
    async with drained(await hostile.player()) as line:
        for _ in range(20):
            await line.send(ask("me", id=1, game=hostile.game) * 300)


@attack("registers")
async def players_who_never_join(hostile: Hostile) -> None:
    """A new player a connection: a name, a session, and that is all."""
    for _ in range(25):
        line = await hostile.player(anew=1, join=False)
        line.reset() if hostile.random.random() < 0.5 else line.close()


@attack("registers")
async def players_who_join_and_leave(hostile: Hostile) -> None:
    """A new account each: the game grows."""
    for _ in range(15):
        line = await hostile.player(anew=1)
        line.reset() if hostile.random.random() < 0.5 else line.close()


@attack("registers")
async def sockets_that_are_dead(hostile: Hostile) -> None:
    """Eight connections of one player that say nothing and answer no ping."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(await hostile.player())
        for _ in range(8):
            line = await stack.enter_async_context(await hostile.socket())
            await line.send(ask("hello", id=1, token=hostile.tokens[-1]) + ask("join", id=2, game=hostile.game))
        await first.drain(0.1)
        await trio.sleep(10)


# Looks that cost


@attack("reads")
async def standings_again_and_again(hostile: Hostile) -> None:
    """The largest table, within the rate."""
    async with drained(await hostile.player()) as line:
        for _ in range(80):
            await line.send(ask("standings", id=1, game=hostile.game, limit=hostile.random.choice((1, 100))))
            await trio.sleep(0.06)


@attack("reads")
async def joins_again_and_again(hostile: Hostile) -> None:
    """The whole state, again and again."""
    async with drained(await hostile.player()) as line:
        for _ in range(60):
            spectate = hostile.random.random() < 0.5
            await line.send(ask("join", id=1, game=hostile.game, spectate=spectate))
            if hostile.random.random() < 0.3:
                await line.send(ask("leave", id=2, game=hostile.game))
            await trio.sleep(0.08)


@attack("reads")
async def books_and_accounts(hostile: Hostile) -> None:
    """What else can be looked at, in bursts."""
    async with drained(await hostile.player()) as line:
        for _ in range(5):
            good = hostile.random.choice(hostile.goods)
            await line.send(
                ask("book", id=1, game=hostile.game, good=good, depth=100) * 15
                + ask("me", id=2, game=hostile.game) * 15
                + ask("games", id=3) * 10
            )
            await trio.sleep(1.5)


@attack("reads")
async def resumes_from_far_behind(hostile: Hostile) -> None:
    """With an epoch that never was, with a frame of long ago, with one of the future."""
    async with drained(await hostile.player()) as line:
        for number in range(50):
            after = hostile.random.choice(
                ({"epoch": "never", "seq": 1}, {"epoch": "e", "seq": 10**9}, {"epoch": "x" * 64, "seq": 0})
            )
            await line.send(ask("join", id=number, game=hostile.game, spectate=True, after=after))
            await trio.sleep(0.08)


@attack("reads")
async def resumes_that_are_granted(hostile: Hostile) -> None:
    """A thousand frames asked for again, each time from as far back as can be had."""
    line = await hostile.player()
    try:
        reply = await line.ask("join", game=hostile.game, spectate=True)
        if "ok" not in reply:
            return
        epoch, seq = reply["ok"]["epoch"], reply["ok"]["seq"]
        async with drained(line):
            for back in (900, 500, 990, 100, 999, 900, 900, 900):
                after = {"epoch": epoch, "seq": max(0, seq - back)}
                await line.send(ask("join", id=1, game=hostile.game, spectate=True, after=after))
                await trio.sleep(0.4)
    finally:
        line.close()


@attack("reads")
async def states_and_standings_by_http(hostile: Hostile) -> None:
    """The same without a player."""
    for _ in range(40):
        path = hostile.random.choice(("", "/standings?limit=100", "/standings?limit=1", "/debrief"))
        await http(hostile, get(f"/v1/games/{hostile.game}{path}", "Connection: close"), for_s=2)


@attack("reads")
async def requests_in_a_pipeline(hostile: Hostile) -> None:
    """Hundreds of requests in one write, on a connection that is kept."""
    path = hostile.random.choice((f"/v1/games/{hostile.game}", "/metrics", "/v1/games", "/asyncapi.json", "/", "/ws"))
    async with drained(await hostile.connect()) as line:
        for _ in range(5):
            await line.send(get(path) * 100)
            await trio.sleep(0.5)


# Frames


@attack("frames in")
async def one_message_in_16_000_pieces(hostile: Hostile) -> None:
    """Empty fragments cost the sender six bytes each."""
    async with drained(await hostile.player(join=False)) as line:
        for _ in range(4):
            await line.send(
                frame(TEXT, b"{", fin=False, mask=b"\0\0\0\0")
                + frame(CONTINUATION, b"", fin=False, mask=b"\0\0\0\0") * 16_000
                + frame(CONTINUATION, b"}", mask=b"\0\0\0\0")
            )


@attack("frames in")
async def fragments_without_an_end(hostile: Hostile) -> None:
    """One byte at a time, of a message that never ends."""
    async with drained(await hostile.socket()) as line:
        await line.send(frame(TEXT, b"{", fin=False))
        for _ in range(100):
            await line.send(frame(CONTINUATION, b" ", fin=False) * hostile.random.choice((1, 50)))
            await trio.sleep(0.02)


@attack("frames in")
async def pings_and_pongs(hostile: Hostile) -> None:
    """Each ping is to be answered."""
    line = await (hostile.player(join=False) if hostile.random.random() < 0.5 else hostile.socket())
    async with drained(line):
        for _ in range(8):
            kind = hostile.random.choice((PING, PING, PONG))
            await line.send(frame(kind, b"p" * hostile.random.choice((0, 125))) * 1_000)


@attack("frames in")
async def frames_that_are_forbidden(hostile: Hostile) -> None:
    """Each kind of broken frame on a connection of its own."""
    for data, _ in hostile.random.sample(list(FORBIDDEN_FRAMES.values()), 12):
        async with await hostile.socket() as line:
            await line.send(ask("hello", name="broken") * hostile.random.randrange(2) + data)
            with suppress(GoneError):
                await line.drain(0.3)


@attack("frames in")
async def frames_at_random(hostile: Hostile) -> None:
    """Any opcode, any bits, any bytes."""
    chance = hostile.random
    for _ in range(15):
        frames = [
            frame(
                chance.choice((TEXT, TEXT, CONTINUATION, PING, PONG, CLOSE, chance.randrange(16))),
                chance.choice((b"{}", b"", b'{"op":"ping"}', chance.randbytes(chance.randrange(120)))),
                fin=chance.random() < 0.7,
                reserved=chance.choice((0,) * 9 + (chance.randrange(8),)),
            )
            for _ in range(chance.randrange(1, 60))
        ]
        async with await hostile.socket() as line:
            with suppress(GoneError):
                await line.send(b"".join(frames))
                await line.drain(0.1)


@attack("frames in")
async def frames_that_are_too_large(hostile: Hostile) -> None:
    """One byte over, and a length that lies."""
    for length in (16_385, 65_536, 2**20, 2**62):
        async with await hostile.socket() as line:
            with suppress(GoneError):
                await line.send(frame(TEXT, length=length) + bytes(min(length, 2**20)))
                await line.drain(0.3)


@attack("frames in")
async def requests_that_are_none(hostile: Hostile) -> None:
    """Garbage that is text, and requests with every field wrong; fewer than 20 in a row."""
    async with drained(await hostile.player(join=False)) as line:
        for _ in range(8):
            wrong = [text(each) for each in hostile.random.sample(list(NOT_REQUESTS.values()), 6)]
            wrong += [text(json.dumps({"id": 1, **each})) for each in hostile.random.sample(MALFORMED, 10)]
            await line.send(b"".join([*wrong, ask("ping", id=1)]))
            await trio.sleep(0.6)


# Readers


@attack("memory")
async def joins_left_unread(hostile: Hostile) -> None:
    """Whole states for somebody who does not read, on many connections."""
    async with AsyncExitStack() as stack:
        for _ in range(hostile.random.randrange(2, 15)):
            line = await stack.enter_async_context(await hostile.socket(receive_buffer=SMALL_BUFFER))
            hello = {"token": hostile.random.choice(hostile.tokens)} if hostile.tokens else {"name": "deaf"}
            join = ask("join", game=hostile.game, spectate=True)
            with suppress(GoneError):
                await line.send(ask("hello", **hello) + join * hostile.random.choice((1, 3, 30)), within_s=1)
        await trio.sleep(10)


@attack("memory")
async def http_left_unread(hostile: Hostile) -> None:
    """Large answers for somebody who does not read."""
    async with AsyncExitStack() as stack:
        for _ in range(hostile.random.randrange(2, 25)):
            line = await stack.enter_async_context(await hostile.connect(receive_buffer=SMALL_BUFFER))
            path = hostile.random.choice((f"/v1/games/{hostile.game}", "/metrics", "/asyncapi.json", "/"))
            with suppress(GoneError):
                await line.send(get(path) * hostile.random.choice((1, 20)), within_s=1)
        await trio.sleep(10)


@attack("memory")
async def one_who_reads_a_byte_at_a_time(hostile: Hostile) -> None:
    """Fast enough to live, too slow to keep up."""
    line = await hostile.player(receive_buffer=SMALL_BUFFER)
    async with line:
        await line.send(ask("join", game=hostile.game, spectate=True) * 5)
        for _ in range(100):
            if not await line.read(hostile.random.choice((1, 50))):
                return
            await trio.sleep(0.1)


# Secrets


@attack("secrets")
async def admin_tokens_guessed(hostile: Hostile) -> None:
    """The host's calls, with words for a token."""
    guesses = ("chalk", "secret", "p\xe4ssword", "x" * 8_000, "", f"{hostile.random.getrandbits(64):x}")
    async with drained(await hostile.connect()) as line:
        for _ in range(30):
            headers = f"Authorization: Bearer {hostile.random.choice(guesses)}"
            path = hostile.random.choice(("/v1/admin", f"/v1/games/{hostile.game}/log"))
            await line.send(get(path, headers) * 5)
            await trio.sleep(0.05)


@attack("secrets")
async def hosts_calls_of_strangers(hostile: Hostile) -> None:
    """Bodies of 60 KB for calls that are not theirs."""
    for body in hostile.random.sample(list(BODIES.values()), 8):
        data = body.encode() if isinstance(body, str) else body
        path = hostile.random.choice(("/v1/games", f"/v1/games/{hostile.game}/phase"))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n"
        token = "Authorization: Bearer wrong\r\n" * hostile.random.randrange(2)
        with suppress(GoneError):
            await http(hostile, f"{head}{token}\r\n".encode() + data)


# The door


@attack("the door")
async def comings_and_goings(hostile: Hostile) -> None:
    """Connections that say nothing, half a handshake, a whole one, or good-bye."""
    for _ in range(60):
        line = await hostile.connect()
        with suppress(GoneError):
            if stage := hostile.random.randrange(4):
                await line.send(upgrade())
                if stage == 3:
                    await line.send(frame(CLOSE, b"\x03\xe8"))
        line.reset() if hostile.random.random() < 0.5 else line.close()


@attack("the door")
async def handshakes_left_half_open(hostile: Hostile) -> None:
    """Opened, and forgotten, some after a few bytes."""
    async with AsyncExitStack() as stack:
        for _ in range(hostile.random.randrange(5, 40)):
            line = await stack.enter_async_context(await hostile.connect(plain=hostile.random.random() < 0.3))
            await line.send(upgrade()[: hostile.random.choice((0, 1, 30, 100))])
        await trio.sleep(hostile.random.uniform(1, 10))


@attack("the door")
async def heads_and_bodies_without_an_end(hostile: Hostile) -> None:
    """A header a second; a body a byte at a time."""
    begun = hostile.random.choice(
        (
            get("/v1/games")[:-2],
            upgrade()[:-2],
            b"POST /v1/games HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n",
        )
    )
    async with AsyncExitStack() as stack:
        lines = [
            await stack.enter_async_context(await hostile.connect()) for _ in range(hostile.random.randrange(2, 12))
        ]
        for line in lines:
            await line.send(begun)
        for number in range(20):
            for line in lines:
                with suppress(GoneError):
                    await line.send(f"X-{number}: y\r\n".encode())
            await trio.sleep(0.5)


@attack("the door")
async def bodies_in_crumbs(hostile: Hostile) -> None:
    """Chunks of one byte: six of the wire each. For strangers, and beside the bound."""
    path = hostile.random.choice(("/v1/games", f"/v1/games/{hostile.game}/phase", "/nothing"))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    for count in (900, 1_100, 10_000, 60_000):
        with suppress(GoneError):
            await http(hostile, head + b"1\r\nx\r\n" * count + b"0\r\n\r\n", for_s=2)


@attack("the door")
async def heads_that_are_long_to_read(hostile: Hostile) -> None:
    """Thousands of headers, trailers, parameters and commas, each in 16 KB, first and on a kept connection."""
    many = b"a:\r\n" * 4_000
    trailers = b"POST /v1/games HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + many + b"\r\n"
    requests = [get("/v1/games")[:-2] + many + b"\r\n", upgrade()[:-2] + many + b"\r\n", trailers]
    requests += [get(f"/v1/{path}?{'a&' * 7_900}") for path in ("reach", f"games/{hostile.game}/standings")]
    requests += [get("/", f"{name}: {',' * 16_000}") for name in ("If-None-Match", "Connection", "Accept-Encoding")]
    for request in hostile.random.sample(requests, 6):
        for _ in range(5):
            with suppress(GoneError):
                await http(hostile, get("/healthz") * hostile.random.randrange(2) + request, for_s=0.3)


@attack("the door")
async def tls_that_carries_nothing(hostile: Hostile) -> None:
    """A handshake byte by byte; updates of the key without end, behind a handshake and within a WebSocket."""
    async with await hostile.connect(plain=True) as line:
        with suppress(GoneError):
            await line.send(client_hello(7_900)[:11])
            for _ in range(300):
                await line.send(b"\0")
                await trio.sleep(0.005)
    if not hostile.target.tls:
        return
    for _ in range(3):
        async with await hostile.connect(plain=True) as line:
            with suppress(GoneError, ssl.SSLError):
                tls = TlsRecords()
                while not tls.handshake():
                    await line.send(tls.outgoing())
                    tls.received(await line.read() or b"the end")
                await line.send(tls.outgoing() + tls.data(upgrade()) * hostile.random.randrange(2))
                for _ in range(5):
                    await line.send(tls.updates(1_200))
                await line.drain(0.3)


@attack("the door")
async def tls_hellos_that_are_dear(hostile: Hostile) -> None:
    """Hellos that are long, say that they are, or come in pieces: OpenSSL works through them in quadratic time."""
    flights = client_hello(64_000), client_hello(100, announced=131_000), client_hello(60_000, record=500)
    for flight in flights * 5:
        async with await hostile.connect(plain=True) as line:
            with suppress(GoneError):
                await line.send(flight)
                await line.drain(0.1)


@attack("the door")
async def requests_that_must_be_refused(hostile: Hostile) -> None:
    """Smuggled lengths, NULs, foreign origins, odd versions: each would be a line of the log."""
    for request in hostile.random.sample(list(REFUSED.values()), 15):
        with suppress(GoneError):
            await http(hostile, request, for_s=0.3)


@attack("the door")
async def paths_of_every_kind(hostile: Hostile) -> None:
    """Traversals, percent signs that are none, 10 000 characters."""
    for path in hostile.random.sample(PATHS, 12):
        method = hostile.random.choice(("GET", "HEAD", "POST", "DELETE", "OPTIONS", "TRACE", "BREW"))
        with suppress(GoneError):
            await http(hostile, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), for_s=0.3)


@attack("the door")
async def an_upgrade_that_is_not_the_first_request(hostile: Hostile) -> None:
    """On a connection that was kept, with frames right behind it."""
    for _ in range(8):
        async with await hostile.connect() as line:
            with suppress(GoneError):
                await line.upgrade(before=get("/healthz"), behind=ask("hello", name="second"))
                await line.drain(0.3)


@attack("the door")
async def odd_forms_of_a_request(hostile: Hostile) -> None:
    """Absolute targets, empty lines in front, a FIN without good-bye, the wrong protocol for the port."""
    absolute = f"GET http://127.0.0.1:{hostile.target.port}/v1/games HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    for request in (absolute, b"\r\n" * 50 + get("/v1/games"), b"\r\n" * 8_000, absolute * 50):
        with suppress(GoneError):
            await http(hostile, request, for_s=0.3)
    async with await hostile.socket() as line:
        line.finish()
        with suppress(GoneError):
            await line.drain(1)
    async with await hostile.connect(plain=True) as line:
        with suppress(GoneError):
            await line.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + hostile.random.randbytes(508))
            await line.drain(0.5)
    async with await hostile.connect(plain=True) as line:
        with suppress(GoneError):
            await line.send(get("/v1/games"))
            await line.drain(0.5)


@attack("the door")
async def bytes_at_random(hostile: Hostile) -> None:
    """Instead of a handshake, behind it, and within TLS."""
    for _ in range(10):
        line = await (hostile.socket() if hostile.random.random() < 0.5 else hostile.connect(plain=True))
        async with line:
            with suppress(GoneError):
                await line.send(hostile.random.randbytes(hostile.random.choice((1, 10, 300, 16_384, 40_000))))
                await line.drain(0.1)
