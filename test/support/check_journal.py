#!/usr/bin/env python3
"""Checks a journal against the published format, from scratch: shares no code with the program.

usage: check_journal.py [--crashed] [--files FILE] JOURNAL_DIR [SCAN...]

Every line: keys and their order, crc, size. Every epoch: seq gapless, prev, durable, ids ascending.
Every segment: its name, opening record, references to other records, seal. Every directory: the sum of
its entries. Every chunk and scan: totals. Prints one JSON object; exit 1 when there are faults.

--crashed   segments may lack their seal and end in bytes that are no record (writers were killed)
--files     writes `size path NUL` for every regular file that the journal lists, sorted by bytes
"""
import base64
import hashlib
import json
import os
import re
import sys
import zlib

KEYS = ["seq", "durable", "id", "at", "scan", "writer", "epoch", "type", "v", "data", "prev", "crc"]
LINE_MAX = 1024 * 1024
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")
AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
SEGMENT = re.compile(r"(\d{4,})-(\d{4,})\.ndjson\Z")
WRITER = re.compile(r"coordinator\Z|import\Z|worker-\d{4,}\Z")


def raw(text):
    """A path or name of the journal as bytes."""
    return base64.b64decode(text["b64"], validate=True) if isinstance(text, dict) else text.encode("utf-8")


class Check:
    def __init__(self, root, crashed):
        self.root, self.crashed = root, crashed
        self.faults, self.sealed, self.segments, self.records = [], 0, 0, 0
        self.files, self.types = {}, {}  # files: folder -> {path: size}, the newest complete listing and what came after

    def fault(self, where, text):
        self.faults.append(f"{where}: {text}")

    # ---- one line -------------------------------------------------------------------------------
    def line(self, where, line):
        """The record of one line without its LF, or None."""
        tail = re.fullmatch(rb'.*,"crc":"([0-9a-f]{8})"\}', line, re.S)
        if tail is None or len(line) + 1 > LINE_MAX:
            return None
        if b"%08x" % zlib.crc32(line[:-18]) != tail.group(1):
            return None
        try:
            record = json.loads(line.decode("utf-8"))
        except ValueError as error:
            self.fault(where, f"good crc, but no JSON: {error}")
            return None
        if list(record) != KEYS:
            self.fault(where, f"keys are {list(record)}")
        if not ULID.match(record["id"]) or not AT.match(record["at"]):
            self.fault(where, f"id {record['id']} or at {record['at']} is malformed")
        if not 0 <= record["durable"] < record["seq"]:
            self.fault(where, f"durable {record['durable']} of seq {record['seq']}")
        return record

    # ---- one segment ----------------------------------------------------------------------------
    def segment(self, scan, writer, name, before):
        """Reads a segment whose epoch ended in `before` so far. Returns its records as (record, end offset)."""
        where = f"{scan}/{writer}/{name}"
        epoch, number = (int(part) for part in SEGMENT.match(name).groups())
        with open(os.path.join(self.root, scan, writer, name), "rb") as file:
            content = file.read()
        self.segments += 1
        offset, found, last = 0, [], before
        while offset < len(content):
            end = content.find(b"\n", offset)
            line = content[offset:] if end < 0 else content[offset:end]
            record = self.line(f"{where}@{offset}", line)
            if record is None:
                if not self.crashed:
                    self.fault(where, f"{len(content) - offset} bytes from {offset} are no record")
                break
            offset += len(line) + 1
            if (record["scan"], record["writer"], record["epoch"]) != (scan, writer, epoch):
                self.fault(where, f"seq {record['seq']} is foreign")
            if record["seq"] != (last["seq"] + 1 if last else 1) or record["prev"] != (last["crc"] if last else "0" * 8):
                self.fault(where, f"seq {record['seq']} prev {record['prev']} follows {last and last['seq']}")
            if last and (record["id"] <= last["id"] or record["durable"] < last["durable"]):
                self.fault(where, f"seq {record['seq']}: id or durable goes back")
            if (record["type"] == "segment.opened") != (not found):
                self.fault(where, f"seq {record['seq']} is {record['type']}, record {len(found) + 1} of its segment")
            if found and found[-1][0]["type"] == "segment.sealed":
                self.fault(where, "a record after the seal")
            if record["type"] == "segment.sealed":
                self.seal(where, record["data"], len(found), content[: offset - len(line) - 1])
            found.append((record, offset))
            last = record
        if not found and not self.crashed:
            self.fault(where, "empty")
        elif found and found[0][0]["data"].get("format") != 1 or found and found[0][0]["data"].get("segment") != number:
            self.fault(where, f"opened as {found[0][0]['data']}")
        if found and found[-1][0]["type"] == "segment.sealed":
            self.sealed += 1
        elif not self.crashed:
            self.fault(where, "no seal")
        self.records += len(found)
        return found

    def seal(self, where, data, records, before):
        truth = {"records": records, "bytes": len(before), "sha256": hashlib.sha256(before).hexdigest()}
        if {key: data.get(key) for key in truth} != truth:
            self.fault(where, f"seal says {data}, is {truth}")

    # ---- one scan -------------------------------------------------------------------------------
    def scan(self, scan):
        writers = {}
        for writer in sorted(os.listdir(os.path.join(self.root, scan)), key=lambda name: (len(name), name)):
            if not WRITER.match(writer):
                self.fault(scan, f"{writer} is no writer")
                continue
            names = [name for name in os.listdir(os.path.join(self.root, scan, writer)) if SEGMENT.match(name)]
            epochs = {}
            for name in sorted(names, key=lambda name: [int(part) for part in SEGMENT.match(name).groups()]):
                epoch, number = (int(part) for part in SEGMENT.match(name).groups())
                got = epochs.setdefault(epoch, [])
                if number != len(got) + 1:
                    self.fault(f"{scan}/{writer}", f"segment {number} of epoch {epoch} follows {len(got)}")
                before = next((segment[-1][0] for segment in reversed(got) if segment), None)
                got.append(self.segment(scan, writer, name, before))
            writers[writer] = epochs
        # Killed in its first moment, a scan leaves its folder and nothing else.
        if "coordinator" not in writers and (writers or not self.crashed):
            self.fault(scan, "no coordinator")
        counted = {writer: self.counted(scan, writer, writers) for writer in writers}
        self.references(scan, writers, counted)
        self.content(scan, counted)

    def find(self, writers, writer, epoch, seq, segment=None):
        """(record, end) of a record somebody refers to."""
        for number, records in enumerate(writers.get(writer, {}).get(epoch, []), 1):
            for record, end in records:
                if record["seq"] == seq and segment in (None, number):
                    return record, end
        return None, None

    def counted(self, scan, writer, writers):
        """What readers count of a writer: bounded by the next epoch's `previous` and by writer.settled; each id once."""
        settled = {}
        for epochs in writers.get("coordinator", {}).values():
            for record, _ in (item for segment in epochs for item in segment):
                if record["type"] == "writer.settled" and record["data"]["writer"] == writer:
                    settled[record["data"]["epoch"]] = record["data"]["seq"]
        epochs, counted, seen = writers[writer], [], set()
        numbers = sorted(epochs)
        for index, epoch in enumerate(numbers):
            bounds = [settled[epoch]] if epoch in settled else []
            for later in numbers[index + 1 :]:
                if epochs[later] and epochs[later][0]:
                    previous = epochs[later][0][0][0]["data"]["previous"]
                    bounds.append(previous["seq"] if previous and previous["epoch"] == epoch else 0)
                    if previous and previous["epoch"] > epoch:
                        bounds.pop()
                    break
            for record, end in (item for segment in epochs[epoch] for item in segment):
                if record["seq"] <= min(bounds, default=record["seq"]) and record["id"] not in seen:
                    seen.add(record["id"])
                    counted.append((record, end))
        return counted

    def references(self, scan, writers, counted):
        for writer, records in counted.items():
            for record, _ in records:
                data, where = record["data"], f"{scan}/{writer} epoch {record['epoch']} seq {record['seq']}"
                if record["type"] == "segment.opened":
                    previous, coordinator = data["previous"], data["coordinator"]
                    if previous is not None:
                        found, _ = self.find(writers, writer, previous["epoch"], previous["seq"], previous["segment"])
                        if found is None or found["crc"] != previous["crc"]:
                            self.fault(where, f"previous {previous} is not there")
                    if coordinator is None and writer.startswith("worker-") or coordinator is not None and writer == "coordinator":
                        self.fault(where, f"coordinator is {coordinator}")
                    if coordinator is not None:
                        found, _ = self.find(writers, "coordinator", coordinator["epoch"], coordinator["seq"])
                        if found is None or found["crc"] != coordinator["crc"]:
                            self.fault(where, f"coordinator's {coordinator} is not there")
                if record["type"] in ("writer.progressed", "writer.settled"):
                    found, end = self.find(writers, data["writer"], data["epoch"], data["seq"], data["segment"])
                    # A line at the end of a killed writer's file may lack its LF.
                    if found is None or found["crc"] != data["crc"] or data["bytes"] not in (end, end - 1):
                        self.fault(where, f"{record['type']} {data} is not there (ends at {end})")

    # ---- what it says ---------------------------------------------------------------------------
    def content(self, scan, counted):
        listed, parts = {}, {}
        for writer, records in counted.items():
            for record, _ in records:
                self.types[record["type"]] = self.types.get(record["type"], 0) + 1
                if record["type"] == "files.batch":
                    for directory in record["data"]["directories"]:
                        self.directory(f"{scan}/{writer} seq {record['seq']}", record["data"], directory, listed, parts)
        self.totals(scan, counted, listed)

    def directory(self, where, batch, directory, listed, parts):
        folder = raw(directory["path"])
        key = (batch["chunk"], batch["attempt"], folder)
        state = parts.setdefault(key, {"next": 1, "rows": {}, "problems": 0})
        if directory["part"] == 1:
            state.update(next=1, rows={}, problems=0)
        whole = directory["part"] == state["next"]
        state["next"] = directory["part"] + 1 if whole else -1
        for row in directory["rows"]:
            cells = dict(zip(batch["columns"], row))
            if len(row) != len(batch["columns"]) or batch["columns"][:3] != ["name", "size", "mtimeNs"]:
                self.fault(where, f"row {row} under columns {batch['columns']}")
            path = (folder if folder != b"/" else b"") + b"/" + raw(cells["name"])
            if path in state["rows"]:
                self.fault(where, f"{path!r} twice in one listing")
            state["rows"][path] = self.files.setdefault(folder, {})[path] = int(cells["size"])
        state["problems"] += len([problem for problem in directory["problems"] if raw(problem["name"])])
        if directory["last"] and whole:
            sum_ = len(state["rows"]) + directory["subdirectories"] + directory["others"] + directory["excluded"]
            # A file whose content could not be read has a row as well as its problem.
            if not sum_ <= directory["entries"] <= sum_ + state["problems"]:
                self.fault(where, f"{folder!r}: {directory['entries']} entries, {sum_} and {state['problems']} problems")
            listed[folder] = (batch["chunk"], state["rows"])
            self.files[folder] = dict(state["rows"])
        elif directory["last"]:
            self.fault(where, f"{folder!r}: last part {directory['part']} without the parts before it")

    def totals(self, scan, counted, listed):
        end = None
        for record, _ in counted.get("coordinator", []):
            data = record["data"]
            if record["type"] == "chunk.completed":
                mine = [rows for chunk, rows in listed.values() if chunk == data["chunk"]]
                truth = {"files": sum(map(len, mine)), "directories": len(mine), "bytes": sum(sum(rows.values()) for rows in mine)}
                self.compare(f"{scan} chunk {data['chunk']}", data, truth)
            end = record if record["type"] == "scan.completed" else end
        if end is not None and "import" not in counted:
            rows = [rows for _, rows in listed.values()]
            truth = {"files": sum(map(len, rows)), "directories": len(rows), "bytes": sum(sum(each.values()) for each in rows)}
            self.compare(scan, end["data"], truth)

    def compare(self, where, said, truth):
        told = {key: int(said[key]) for key in truth}
        # Hard links: a chunk may count the bytes of one inode once.
        if (told["files"], told["directories"]) != (truth["files"], truth["directories"]) or told["bytes"] > truth["bytes"]:
            self.fault(where, f"totals {told}, but the journal holds {truth}")


def main(arguments):
    crashed = "--crashed" in arguments
    arguments = [argument for argument in arguments if argument != "--crashed"]
    files = None
    if arguments and arguments[0] == "--files":
        files, arguments = arguments[1], arguments[2:]
    check = Check(arguments[0], crashed)
    for scan in arguments[1:] or sorted(name for name in os.listdir(arguments[0]) if ULID.match(name)):
        check.scan(scan)
    paths = {path: size for rows in check.files.values() for path, size in rows.items()}
    if files is not None:
        with open(files, "wb") as out:
            for path, size in sorted(paths.items()):
                out.write(b"%d %s\0" % (size, path))
    report = {name: getattr(check, name) for name in ("segments", "sealed", "records", "types", "faults")}
    json.dump({**report, "faults": check.faults[:50], "files": len(paths)}, sys.stdout)
    print()
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
