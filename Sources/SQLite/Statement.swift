import CSQLite

/// A prepared statement, finalised with this object.
final class Statement {
  private let pointer: OpaquePointer

  init(_ pointer: OpaquePointer) {
    self.pointer = pointer
  }

  deinit { sqlite3_finalize(pointer) }

  /// Binds `values` to the parameters in their order and tells SQLite's result code.
  func bind(_ values: [SQLValue]) -> Int32 {
    guard values.count == Int(sqlite3_bind_parameter_count(pointer)) else { return SQLITE_RANGE }
    for (offset, value) in values.enumerated() {
      let result = bind(value, at: Int32(offset + 1))
      guard result == SQLITE_OK else { return result }
    }
    return SQLITE_OK
  }

  private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
    switch value {
    case .null: return sqlite3_bind_null(pointer, index)
    case .int(let number): return sqlite3_bind_int64(pointer, index, number)
    case .double(let number): return sqlite3_bind_double(pointer, index, number)
    case .text(let text):
      var text = text
      return text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          sqlite_bind_text(pointer, index, $0.baseAddress, Int32(clamping: $0.count))
        }
      }
    case .blob(let bytes):
      return bytes.withUnsafeBytes {
        sqlite_bind_blob(pointer, index, $0.baseAddress, Int32(clamping: $0.count))
      }
    }
  }

  func step() -> Int32 { sqlite3_step(pointer) }

  /// Makes it ready for the next use, and forgets the values: some may be large.
  func reset() {
    sqlite3_reset(pointer)
    sqlite3_clear_bindings(pointer)
  }

  var columns: [String] {
    (0..<sqlite3_column_count(pointer)).map { index in
      sqlite3_column_name(pointer, index).map { String(cString: $0) } ?? ""
    }
  }

  /// The values of the present row.
  func values() -> [SQLValue] {
    (0..<sqlite3_column_count(pointer)).map { index in
      switch sqlite3_column_type(pointer, index) {
      case SQLITE_INTEGER: .int(sqlite3_column_int64(pointer, index))
      case SQLITE_FLOAT: .double(sqlite3_column_double(pointer, index))
      case SQLITE_TEXT:
        .text(String(decoding: bytes(sqlite3_column_text(pointer, index), index), as: UTF8.self))
      case SQLITE_BLOB: .blob(Array(bytes(sqlite3_column_blob(pointer, index), index)))
      default: .null
      }
    }
  }

  private func bytes(_ start: UnsafeRawPointer?, _ index: Int32) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(pointer, index)))
  }
}
