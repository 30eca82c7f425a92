"""Runs a command on a terminal of its own: terminal.py ROWS COLUMNS COMMAND...

All that the command shows there is standard output; its exit status is passed on.
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

rows, columns = (int(word) for word in sys.argv[1:3])
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
child = subprocess.Popen(sys.argv[3:], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
os.close(slave)
while True:
    try:
        data = os.read(master, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(child.wait())
