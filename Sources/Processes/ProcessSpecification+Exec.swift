extension ProcessSpecification {
  /// The environment as the system wants it, in the order of the names.
  /// - Throws: `ProcessError` for what no environment or argument list can hold. Values are not quoted.
  func environmentBlock() throws -> [String] {
    for text in [program, directory ?? ""] + arguments where text.utf8.contains(0) {
      throw ProcessError(code: .other, description: "cannot execute \(program): an argument holds a NUL byte")
    }
    return try environment.sorted { $0.key < $1.key }.map { name, value in
      guard !name.isEmpty, !name.utf8.contains(0), !name.utf8.contains(UInt8(ascii: "=")) else {
        throw ProcessError(
          code: .other,
          description: "cannot execute \(program): \(name.debugDescription) cannot name a variable")
      }
      guard !value.utf8.contains(0) else {
        throw ProcessError(
          code: .other, description: "cannot execute \(program): the value of \(name) holds a NUL byte")
      }
      return "\(name)=\(value)"
    }
  }
}

/// Calls `body` with a null-terminated list of C strings, valid during the call. They are wiped afterwards.
func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var bytes: [CChar] = []
  var offsets: [Int] = []
  bytes.reserveCapacity(strings.reduce(0) { $0 + $1.utf8.count + 1 })
  for string in strings {
    offsets.append(bytes.count)
    bytes.append(contentsOf: string.utf8.lazy.map(CChar.init(bitPattern:)))
    bytes.append(0)
  }
  return bytes.withUnsafeMutableBufferPointer { buffer in
    let pointers = offsets.map { offset in buffer.baseAddress.map { $0 + offset } } + [nil]
    defer { buffer.update(repeating: 0) }
    return body(pointers)
  }
}
