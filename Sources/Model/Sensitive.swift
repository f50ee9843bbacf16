#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A secret value in memory. It cannot be printed, encoded or interpolated by accident:
/// its value is reached only through `reveal()`, which is easy to search for.
///
/// Its bytes are kept once, however often it is copied, and are overwritten when the last copy goes. What `reveal()`
/// gives is an ordinary text, of which nobody can say when its memory is used again: reveal late, and keep nothing.
package struct Sensitive: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let memory: WipedMemory

  package init(_ value: String) { memory = WipedMemory(value.utf8) }

  /// The value itself, to be handed to its target and nowhere else.
  package func reveal() -> String { String(decoding: memory.bytes, as: UTF8.self) }

  package var isEmpty: Bool { memory.bytes.isEmpty }
  package var description: String { "‹secret›" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: [] as [Mirror.Child]) }

  /// Takes as long for every value of the same length.
  package static func == (left: Sensitive, right: Sensitive) -> Bool {
    let (left, right) = (left.memory.bytes, right.memory.bytes)
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(bytes: UnsafeRawBufferPointer(memory.bytes))
  }
}

/// Bytes outside of every Swift collection, overwritten at their end.
///
/// `@unchecked Sendable`: written in `init` alone, and read as long as somebody holds it.
private final class WipedMemory: @unchecked Sendable {
  let bytes: UnsafeBufferPointer<UInt8>
  private let storage: UnsafeMutableBufferPointer<UInt8>

  init(_ text: String.UTF8View) {
    storage = .allocate(capacity: text.count)
    _ = storage.initialize(from: text)
    bytes = UnsafeBufferPointer(storage)
  }

  deinit {
    Sensitive.wipe(storage)
    storage.deallocate()
  }
}

extension Sensitive {
  /// Overwrites bytes, also where nobody reads them again and the compiler would leave out an assignment.
  package static func wipe(_ bytes: UnsafeMutableBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    #if canImport(Darwin)
      _ = memset_s(start, bytes.count, 0, bytes.count)
    #else
      explicit_bzero(start, bytes.count)
    #endif
  }
}
