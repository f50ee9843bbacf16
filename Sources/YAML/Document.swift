/// How much a document may hold.
package struct Limits: Sendable, Hashable {
  /// Of the text, in bytes.
  package var size: Int
  /// Levels of nesting, aliases expanded.
  package var depth: Int
  /// Nodes, aliases expanded.
  package var weight: Int

  package init(size: Int = 1 << 20, depth: Int = 128, weight: Int = 100_000) {
    self.size = size
    self.depth = depth
    self.weight = weight
  }
}

/// A file read as one YAML document.
package struct Document: Sendable {
  package var source: SourceFile
  /// Nil when the text could not be read to its end, or holds nothing.
  package var root: Node?
  /// In the order of the text.
  package var problems: [Problem]

  /// Reads a file's bytes.
  /// - Parameter name: how marks call the file.
  package init(bytes: [UInt8], name: String, limits: Limits = Limits()) {
    guard bytes.count <= limits.size else {
      source = SourceFile(name: name, text: "")
      problems = [
        Problem(
          .tooLarge, "the file has \(bytes.count) bytes, more than the \(limits.size) that are read",
          at: Mark(file: name, line: 1, column: 1))
      ]
      return
    }
    let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    source = SourceFile(name: name, text: String(decoding: content, as: UTF8.self))
    if let offset = Document.firstInvalidByte(content) {
      problems = [
        Problem(
          .encoding, "this is not UTF-8 text", at: source.position(ofByte: offset, in: content),
          help: "save the file as UTF-8")
      ]
      return
    }
    guard let parser = EventParser(bytes: content, source: source) else {
      problems = [
        Problem(.tooLarge, "there is no memory to read the file", at: Mark(file: name, line: 1, column: 1))
      ]
      return
    }
    var composer = Composer(parser: parser, limits: limits)
    do throws(Problem) {
      root = try composer.document()
      problems = composer.problems
    } catch {
      problems = composer.problems + [error]
    }
  }

  private static func firstInvalidByte(_ bytes: [UInt8]) -> Int? {
    var decoder = UTF8()
    var offset = 0
    var iterator = bytes.makeIterator()
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): offset += UTF8.width(scalar)
      case .emptyInput: return nil
      case .error: return offset
      }
    }
  }
}
