import Bytes
import CSQLite

extension PulsehouseError {
  /// Makes an error of SQLite's result `code`: damage is `.corrupt`, a lock that stays taken `.conflict`, what the
  /// operating system refused `.io`, and the rest a mistake of ours.
  static func sqlite(_ code: Int32, _ words: String, action: String, path: String, systemCode: Int32 = 0)
    -> PulsehouseError
  {
    let message = "cannot \(action) the catalog: \(words)"
    switch code & 0xFF {
    case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_SCHEMA:
      return PulsehouseError(.corrupt, message, file: path)
    case SQLITE_BUSY, SQLITE_LOCKED:
      return PulsehouseError(
        .conflict, message, hint: "Another process is writing and did not finish in time; try again.", file: path)
    case SQLITE_FULL:
      return PulsehouseError(
        .io, message, sqlState: "53100", hint: "The disk is full: free some space. Nothing committed was lost.",
        file: path)
    case SQLITE_NOMEM:
      return PulsehouseError(.io, message, sqlState: "53200", file: path)
    case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
      if systemCode != 0 { return .system("\(action) the catalog", path, code: systemCode) }
      return PulsehouseError(.io, message, file: path)
    case SQLITE_INTERRUPT:
      return PulsehouseError(.cancelled, message, file: path)
    default:
      return PulsehouseError(.internal, message, file: path)
    }
  }
}
