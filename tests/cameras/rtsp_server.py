"""A real RTSP camera by GStreamer. Debian's Python has its bindings, not ours: run as a child of /usr/bin/python3.

    /usr/bin/python3 tests/cameras/rtsp_server.py PORT PASSWORD TCP|UDP|TCP+UDP

Prints the port (0: a free one), then serves rtsp://me:PASSWORD@127.0.0.1:PORT/porch until it is killed.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# rtpjpegpay takes 4:2:0 only.
PIPELINE = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1"
    " ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
port, password, transports = sys.argv[1:]
server.set_service(port)
auth = GstRtspServer.RTSPAuth()
token = GstRtspServer.RTSPToken()
token.set_string("media.factory.role", "viewer")
auth.add_basic(GstRtspServer.RTSPAuth.make_basic("me", password), token)
server.set_auth(auth)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(PIPELINE)
factory.set_shared(True)
protocols = GstRtsp.RTSPLowerTrans(0)
for transport in transports.split("+"):
    protocols |= getattr(GstRtsp.RTSPLowerTrans, transport)
factory.set_protocols(protocols)
factory.add_role_from_structure(
    Gst.Structure.new_from_string("viewer,media.factory.access=true,media.factory.construct=true")
)
server.get_mount_points().add_factory("/porch", factory)
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
