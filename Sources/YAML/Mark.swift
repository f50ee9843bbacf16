/// A span of a file: where a value or a key stands. Lines and columns count from 1, columns in Unicode scalars.
package struct Mark: Sendable, Hashable, Comparable {
  /// The name of the file as it is to be printed.
  package var file: String
  package var line: Int
  package var column: Int
  package var endLine: Int
  /// One past the last column.
  package var endColumn: Int

  package init(file: String, line: Int, column: Int, endLine: Int? = nil, endColumn: Int? = nil) {
    self.file = file
    self.line = line
    self.column = column
    self.endLine = endLine ?? line
    self.endColumn = endColumn ?? column
  }

  /// The span from the start of this one to the end of another.
  package func extended(to end: Mark) -> Mark {
    Mark(file: file, line: line, column: column, endLine: end.endLine, endColumn: end.endColumn)
  }

  /// Order in the text; files by name.
  package static func < (left: Mark, right: Mark) -> Bool {
    (left.file, left.line, left.column, left.endLine, left.endColumn)
      < (right.file, right.line, right.column, right.endLine, right.endColumn)
  }
}

extension Mark: CustomStringConvertible {
  /// `file:line:column`.
  package var description: String { "\(file):\(line):\(column)" }
}
