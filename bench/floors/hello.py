"""The least a Flask application does: a constant answer, and a constant answer to a JSON body."""

from flask import Flask, Response, jsonify, request

app = Flask(__name__)

_CART = {
    "id": "crt_01h455vb4pex5vsknk084sn02q",
    "lines": [{"sku_id": "sku_01h455vb4pex5vsknk084sn02q", "qty": 1, "price": 4_200}],
    "subtotal": 4_200,
    "version": 1,
}


@app.get("/hello")
def hello() -> Response:
    """Say hello."""
    return jsonify({"hello": "world"})


@app.post("/cart")
def cart() -> tuple[Response, int]:
    """Read the body, answer with a cart that is always the same."""
    request.get_json()
    return jsonify(_CART), 201
