"""The peer's half of the line protocol that the benchmark harness drives.

The peer is a child process that stays alive. One line in, one line out:

    (start)                                  ->  ready {"torch": ..., "blas": [...], "simd": ...}
    setup {"threads": 2, "task": {...}}      ->  ok {"threads": ..., ...}
    quit, or the end of the input            ->  the process ends

and then, in a row of training steps (`serve`):

    step                                     ->  done <seconds> <loss>

or in a row of short cases (`serve_cases`):

    case {...}                               ->  ok {"check": ...}
    repeat <calls> <idle seconds before each>  ->  done <seconds of all calls, without the idle time>

Anything that goes wrong is answered with `error <message>` and ends the process with status 1.
The seconds are measured here, around the work alone: the pipe and the harness are not in them.
"""

import json
import os
import re
import sys
import time


def serve(build):
    """Serves a training step until `quit`.

    build(task) gets the task's settings as keyword arguments and returns (step, facts):
    a function without arguments that runs one training step and returns its loss, and a
    dictionary of facts about the model, for the report.
    """
    state = {}

    def setup(task):
        state["step"], facts = build(**task)
        return facts

    def step(_):
        start = time.perf_counter()
        loss = state["step"]()
        return f"done {time.perf_counter() - start:.9f} {loss:.9g}"

    _serve(setup, {"step": step})


def serve_cases(build):
    """Serves short cases until `quit`.

    build(case) gets a case's settings as keyword arguments and returns (call, check): a function
    without arguments that does the work once and returns its result, and a function of that
    result that returns a number for the comparison with the other side.
    """
    state = {}

    def case(rest):
        state.clear()  # the operands of the case before: some take gigabytes
        call, check = build(**json.loads(rest))
        state["call"] = call
        return "ok " + json.dumps({"check": check(call())})

    def repeat(rest):
        calls, idle = rest.split()
        return f"done {_time(state['call'], int(calls), float(idle)):.9f}"

    _serve(lambda task: {}, {"case": case, "repeat": repeat})


def _time(call, calls, idle):
    # Without idle time the clock is read twice in all, so that it weighs nothing on short calls.
    at_once = calls if idle == 0 else 1
    seconds = 0.0
    for _ in range(0, calls, at_once):
        if idle > 0:
            time.sleep(idle)
        start = time.perf_counter()
        for _ in range(at_once):
            call()
        seconds += time.perf_counter() - start
    return seconds


def _serve(setup, verbs):
    # Replies keep the real standard output to themselves; whatever a library prints goes to standard error.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        import torch
        replies.write("ready " + json.dumps(_about(torch)) + "\n")
        ready = False
        for line in sys.stdin:
            verb, _, rest = line.strip().partition(" ")
            if verb == "setup":
                request = json.loads(rest)
                torch.set_num_threads(request["threads"])
                facts = setup(request["task"])
                ready = True
                replies.write("ok " + json.dumps({"threads": torch.get_num_threads(), **facts}) + "\n")
            elif verb in verbs:
                if not ready:
                    raise RuntimeError(f"'{verb}' came before 'setup'.")
                replies.write(verbs[verb](rest) + "\n")
            elif verb == "quit":
                return
            else:
                raise RuntimeError(f"unknown request '{verb}'. Known: setup, {', '.join(verbs)}, quit.")
    except Exception as fault:  # the harness reports it; a traceback goes to standard error as well
        replies.write("error " + f"{type(fault).__name__}: {fault}".replace("\n", " ") + "\n")
        raise


def _about(torch):
    """What decides the peer's speed: its version, its BLAS as really loaded, and its instruction set."""
    with open("/proc/self/maps") as maps:
        blas = sorted({line.split()[-1] for line in maps if re.search(r"/lib[^/]*(blas|mkl)[^/]*\.so", line)})
    simd = re.search(r"CPU capability usage: (\S+)", torch.__config__.show())
    return {"torch": torch.__version__, "blas": blas, "simd": simd.group(1) if simd else "unknown"}
