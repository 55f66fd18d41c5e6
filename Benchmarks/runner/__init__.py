"""The parts of run.py: servers (what is started and stopped), load (the generators), measures (the rows), table."""
