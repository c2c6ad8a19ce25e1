"""Two real servers (Kamailio) with users (SIPp) federate through the edge: the steps of `make demo`."""
import pytest

from conftest import Running
from lab.steps import STEPS, World


@pytest.fixture(scope="module")
def world(lab):
    said = []
    world = World(lab, said.append)
    world.start()
    yield world
    running = Running(lab, world.edge)
    world.pool.stop()
    world.partner.stop()
    running.assert_healthy()
    assert world.edge.stop()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_step(world, step):
    step(world)
