"""Decryption for the two cases of the `basic` group that are about it, and nothing else.

The node itself encrypts nothing with account keys. The cases still show that its curve is the
curve that everybody else computes on.
"""

import hashlib
import hmac

from coincurve import PublicKey
from Crypto.Cipher import AES

POINT, IV, TAG = 65, 16, 32


def decrypt_aes_ctr(key: bytes, text: bytes, iv: bytes = bytes(IV)) -> bytes:
    """Decrypt with AES in counter mode, the counter starting at `iv`."""
    start = int.from_bytes(iv, "big")
    return AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=start).decrypt(text)


def decrypt_ecies(private_key: bytes, text: bytes) -> bytes:
    """Decrypt SEC 1's scheme with the KDF of NIST SP 800-56 and a hashed MAC key.

    `text` is: sender's point, IV, cipher text, tag.
    """
    shared = PublicKey(text[:POINT]).multiply(private_key).format(compressed=False)[1:33]
    material = hashlib.sha256((1).to_bytes(4, "big") + shared).digest()
    body, tag = text[POINT:-TAG], text[-TAG:]
    mac_key = hashlib.sha256(material[16:]).digest()
    assert hmac.digest(mac_key, body, "sha256") == tag, "the tag does not fit"
    return decrypt_aes_ctr(material[:16], body[IV:], body[:IV])
