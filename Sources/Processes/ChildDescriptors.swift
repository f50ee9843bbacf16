import CSystem

/// Both ends of a child's three pipes.
struct ChildDescriptors {
  struct Side {
    var input: Int32 = -1
    var output: Int32 = -1
    var error: Int32 = -1

    mutating func close() {
      for descriptor in [input, output, error] where descriptor >= 0 { Descriptor.close(descriptor) }
      self = Side()
    }
  }

  private(set) var ours = Side()
  private(set) var theirs = Side()

  /// - Parameter withInput: false gives the child /dev/null to read.
  /// - Throws: `ProcessError` when the process has no descriptor left.
  init(withInput: Bool) throws {
    do {
      (ours.output, theirs.output) = try Self.pipe()
      (ours.error, theirs.error) = try Self.pipe()
      if withInput { (theirs.input, ours.input) = try Self.pipe() }
      for descriptor in [ours.input, ours.output, ours.error] where descriptor >= 0 {
        let fault = system_set_nonblocking(descriptor)
        guard fault == 0 else { throw ProcessError.system(fault, "cannot open a pipe") }
      }
    } catch {
      closeOurs()
      closeTheirs()
      throw error
    }
  }

  mutating func closeOurs() { ours.close() }

  mutating func closeTheirs() { theirs.close() }

  /// A pipe whose ends no child inherits.
  static func pipe() throws -> (reading: Int32, writing: Int32) {
    var ends: (Int32, Int32) = (-1, -1)
    let fault = withUnsafeMutablePointer(to: &ends) {
      $0.withMemoryRebound(to: Int32.self, capacity: 2) { system_pipe($0) }
    }
    guard fault == 0 else { throw ProcessError.system(fault, "cannot open a pipe") }
    return (ends.0, ends.1)
  }
}
