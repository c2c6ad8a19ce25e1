"""Real servers (two Kamailio, a Prosody) with users federate through the edge: the steps of `make demo`."""
import pytest

from conftest import Running
from lab import names
from lab.steps import STEPS, World


@pytest.fixture(scope="module")
def world(lab):
    said = []
    world = World(lab, said.append)
    world.start()
    yield world
    running = Running(lab, world.edge)
    world.juliet.close()
    world.pool.stop()
    world.partner.stop()
    running.assert_healthy()
    # The pool is asked every second whether it lives; Kamailio answers, and carries that nowhere.
    told = "\n".join(running.events())
    assert "pool-member-ejected" not in told and f'"from": "{names.EDGE_NAME}"' not in told
    assert world.edge.stop()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_step(world, step):
    step(world)
