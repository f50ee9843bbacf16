import Crypto
import FoundationEssentials
import Model

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Where the number of a process means something, and whether one still lives there.
enum MachineIdentity {
  /// One boot of one machine and, in a container, one space of process numbers.
  static let current: String = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return String(SHA256.digest(of: [host, boot, processSpace].joined(separator: "\n")).hex.prefix(32))
  }()

  /// Whether a holder's process is certainly gone: it ran here, in this boot, and its number is nobody's now.
  static func isGone(_ holder: Holder) -> Bool {
    guard holder.machine == current, holder.process > 0 else { return false }
    return kill(holder.process, 0) != 0 && errno == ESRCH
  }

  private static var boot: String {
    #if canImport(Darwin)
      var moment = timeval()
      var size = MemoryLayout<timeval>.size
      guard sysctlbyname("kern.boottime", &moment, &size, nil, 0) == 0 else { return "unknown" }
      return "\(moment.tv_sec)"
    #else
      return (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? "unknown"
    #endif
  }

  private static var processSpace: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? "-"
  }
}
