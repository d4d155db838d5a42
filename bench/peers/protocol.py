"""The peer's half of the line protocol that the benchmark harness drives.

The peer is a child process that stays alive. One line in, one line out:

    (start)                                  ->  ready {"torch": ..., "blas": [...], "simd": ...}
    setup {"threads": 2, "task": {...}}      ->  ok {"threads": ..., ...}
    step                                     ->  done <seconds> <loss>
    quit, or the end of the input            ->  the process ends

Anything that goes wrong is answered with `error <message>` and ends the process with status 1.
The seconds are measured here, around the step alone: the pipe and the harness are not in them.
"""

import json
import os
import re
import sys
import time


def serve(build):
    """Serves the protocol until `quit`.

    build(task) gets the task's settings as keyword arguments and returns (step, facts):
    a function without arguments that runs one training step and returns its loss, and a
    dictionary of facts about the model, for the report.
    """
    # Replies keep the real standard output to themselves; whatever a library prints goes to standard error.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        import torch
        replies.write("ready " + json.dumps(_about(torch)) + "\n")
        step = None
        for line in sys.stdin:
            verb, _, rest = line.strip().partition(" ")
            if verb == "setup":
                request = json.loads(rest)
                torch.set_num_threads(request["threads"])
                step, facts = build(**request["task"])
                replies.write("ok " + json.dumps({"threads": torch.get_num_threads(), **facts}) + "\n")
            elif verb == "step":
                if step is None:
                    raise RuntimeError("'step' came before 'setup'.")
                start = time.perf_counter()
                loss = step()
                seconds = time.perf_counter() - start
                replies.write(f"done {seconds:.9f} {loss:.9g}\n")
            elif verb == "quit":
                return
            else:
                raise RuntimeError(f"unknown request '{verb}'. Known: setup, step, quit.")
    except Exception as fault:  # the harness reports it; a traceback goes to standard error as well
        replies.write("error " + f"{type(fault).__name__}: {fault}".replace("\n", " ") + "\n")
        raise


def _about(torch):
    """What decides the peer's speed: its version, its BLAS as really loaded, and its instruction set."""
    with open("/proc/self/maps") as maps:
        blas = sorted({line.split()[-1] for line in maps if re.search(r"/lib[^/]*(blas|mkl)[^/]*\.so", line)})
    simd = re.search(r"CPU capability usage: (\S+)", torch.__config__.show())
    return {"torch": torch.__version__, "blas": blas, "simd": simd.group(1) if simd else "unknown"}
