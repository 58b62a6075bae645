#!/usr/bin/env python3
"""apk_repository.py FOLDER NAME... writes a signed apk repository: FOLDER/test.rsa.pub, FOLDER/x86_64/APKINDEX.tar.gz and a
package for each name, with one file in it. The private key is thrown away.

A package is three gzip members: signature, control, data. The tar streams of the first two have no end, so that all three
together are one. An index is two: signature and index."""
import base64
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile

KEY, ARCH, VERSION, DATE = "test.rsa.pub", "x86_64", "1.0.0-r0", 1700000000


def tar(entries, whole):
    stream = io.BytesIO()
    archive = tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)
    for name, content, headers in entries:
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.uname, info.gname = 0o644, DATE, "root", "root"
        if content is None:
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        info.size, info.pax_headers = len(content or b""), headers
        archive.addfile(info, io.BytesIO(content or b""))
    end = archive.offset
    archive.close()
    return gzip.compress(stream.getvalue() if whole else stream.getvalue()[:end], mtime=0)


def signed(signature_of, private, rest):
    command = ["openssl", "dgst", "-sha256", "-sign", private]
    signature = subprocess.run(command, input=signature_of, stdout=subprocess.PIPE, check=True).stdout
    return tar([(".SIGN.RSA256." + KEY, signature, {})], whole=False) + rest


def package(name, private):
    content = f"hello from {name}\n".encode()
    checksum = {"APK-TOOLS.checksum.SHA1": hashlib.sha1(content).hexdigest()}
    folders = [("usr", None, {}), ("usr/share", None, {})]
    data = tar(folders + [(f"usr/share/{name}.txt", content, checksum)], whole=True)
    fields = {"pkgname": name, "pkgver": VERSION, "arch": ARCH, "size": len(content), "origin": name,
              "pkgdesc": "a test", "license": "MIT", "builddate": DATE, "datahash": hashlib.sha256(data).hexdigest()}
    info = "".join(f"{key} = {value}\n" for key, value in fields.items())
    control = tar([(".PKGINFO", info.encode(), {})], whole=False)
    whole = signed(control, private, control + data)
    identity = "Q1" + base64.b64encode(hashlib.sha1(control).digest()).decode()
    record = {"C": identity, "P": name, "V": VERSION, "A": ARCH, "S": len(whole), "I": len(content), "T": "a test",
              "L": "MIT", "o": name, "t": DATE}
    return whole, "".join(f"{key}:{value}\n" for key, value in record.items())


def main(folder, names):
    os.makedirs(os.path.join(folder, ARCH))
    with tempfile.TemporaryDirectory() as secrets:
        private = os.path.join(secrets, "key")
        new = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", private]
        subprocess.run(new, check=True, stderr=subprocess.DEVNULL)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", os.path.join(folder, KEY)], check=True)
        records = []
        for name in names:
            whole, record = package(name, private)
            records.append(record)
            with open(os.path.join(folder, ARCH, f"{name}-{VERSION}.apk"), "wb") as file:
                file.write(whole)
        index = tar([("DESCRIPTION", b"test\n", {}), ("APKINDEX", "\n".join(records).encode() + b"\n", {})], whole=True)
        with open(os.path.join(folder, ARCH, "APKINDEX.tar.gz"), "wb") as file:
            file.write(signed(index, private, index))


main(sys.argv[1], sys.argv[2:])
