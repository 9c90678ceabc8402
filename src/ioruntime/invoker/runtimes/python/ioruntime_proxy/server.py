"""Which thread answers which request: the main thread all of them, or a thread for each /run that may be concurrent."""

import os

from ioruntime_proxy.service import BUSY


def serve(listener, service):
    """Answer requests until the process ends."""
    while True:
        connection, path, body = listener.next_request()
        if path == b"/run" and service.concurrent:
            start_thread(connection, service, path, body)
            continue
        answer = service.handle(path, body)
        if path == b"/run":
            refuse_simultaneous(listener, service)
        send(connection, answer)


def refuse_simultaneous(listener, service):
    """Turn down what was sent while the action ran; a request sent after its answer is not seen here."""
    while True:
        request = listener.next_request(wait=False)
        if request is None:
            return
        connection, path, body = request
        send(connection, BUSY if path == b"/run" else service.handle(path, body))


def start_thread(connection, service, path, body):
    import threading

    def answer():
        send(connection, service.handle(path, body))

    threading.Thread(target=answer, daemon=True).start()


def send(connection, answer):
    connection.write(answer.status, answer.body)
    if answer.last:
        os._exit(1)
