#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension ProcessError {
  /// A failed system call: `what` happened, and the system's reason.
  static func system(_ fault: Int32, _ what: String) -> ProcessError {
    let reason = String(cString: strerror(fault))
    switch fault {
    case ENOENT: return ProcessError(code: .notFound, description: "\(what): \(reason)")
    case EACCES, EPERM: return ProcessError(code: .notPermitted, description: "\(what): \(reason)")
    case EMFILE, ENFILE:
      return ProcessError(
        code: .resources,
        description: "\(what): \(reason); raise the limit of open files (ulimit -n) or run fewer at once")
    case EAGAIN, ENOMEM, E2BIG:
      return ProcessError(code: .resources, description: "\(what): \(reason)")
    default: return ProcessError(code: .other, description: "\(what): \(reason)")
    }
  }
}
