import Glibc

extension PulsehouseError {
  /// Makes an `.io` error from `errno`: what was tried, on which path, the code's name and words, and a hint where one
  /// helps.
  package static func system(_ action: String, _ path: String, code: Int32) -> PulsehouseError {
    let name = errorName(code)
    return PulsehouseError(
      .io, "cannot \(action): \(errorWords(code)) (\(name))", sqlState: sqlState(code), hint: hint(code), file: path)
  }

  private static func errorWords(_ code: Int32) -> String {
    guard let words = strerror(code) else { return "unknown error" }
    return String(cString: words)
  }

  private static func errorName(_ code: Int32) -> String {
    let names: [Int32: String] = [
      EACCES: "EACCES", EAGAIN: "EAGAIN", EBADF: "EBADF", EBUSY: "EBUSY", EDQUOT: "EDQUOT", EEXIST: "EEXIST",
      EFBIG: "EFBIG", EINTR: "EINTR", EINVAL: "EINVAL", EIO: "EIO", EISDIR: "EISDIR", ELOOP: "ELOOP",
      EMFILE: "EMFILE", EMLINK: "EMLINK", ENAMETOOLONG: "ENAMETOOLONG", ENFILE: "ENFILE", ENODEV: "ENODEV",
      ENOENT: "ENOENT", ENOMEM: "ENOMEM", ENOSPC: "ENOSPC", ENOTDIR: "ENOTDIR", ENOTEMPTY: "ENOTEMPTY",
      ENXIO: "ENXIO", EOVERFLOW: "EOVERFLOW", EPERM: "EPERM", EPIPE: "EPIPE", EROFS: "EROFS", ESPIPE: "ESPIPE",
      ESTALE: "ESTALE", ETXTBSY: "ETXTBSY", EXDEV: "EXDEV",
    ]
    return names[code] ?? "errno \(code)"
  }

  private static func sqlState(_ code: Int32) -> String {
    switch code {
    case ENOENT: "58P01"
    case EEXIST: "58P02"
    case ENOSPC, EDQUOT: "53100"
    case ENOMEM: "53200"
    case EMFILE, ENFILE: "53000"
    case EACCES, EPERM: "42501"
    default: "58030"
    }
  }

  private static func hint(_ code: Int32) -> String? {
    switch code {
    case ENOSPC: "The disk is full: free some space, or point --data at another disk. Nothing committed was lost."
    case EDQUOT: "Your disk quota is used up: free some space, or point --data elsewhere. Nothing committed was lost."
    case EACCES, EPERM: "Check who owns the path and its permissions."
    case EROFS: "The file system is mounted read-only: point --data at a place that can be written."
    case EMFILE, ENFILE: "Too many files are open: raise the limit (ulimit -n)."
    default: nil
    }
  }
}
