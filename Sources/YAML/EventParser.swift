import CYAML

/// What libyaml reports, as values.
enum Event {
  case streamStart, streamEnd
  case documentStart(Mark)
  case documentEnd
  case alias(String, Mark)
  case scalar(Scalar, anchor: String?, tag: String?, Mark)
  case sequenceStart(anchor: String?, tag: String?, flow: Bool, Mark)
  case mappingStart(anchor: String?, tag: String?, flow: Bool, Mark)
  case collectionEnd(Mark)
}

/// libyaml over a buffer. Both live at fixed addresses for as long as this object, because the parser points
/// into itself and into the buffer.
final class EventParser {
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private let source: SourceFile

  /// - Returns: nil when there is no memory.
  init?(bytes: [UInt8], source: SourceFile) {
    self.source = source
    parser = .allocate(capacity: 1)
    buffer = .allocate(capacity: max(bytes.count, 1))
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      buffer.deallocate()
      return nil
    }
    _ = buffer.initialize(from: bytes)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, buffer.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    buffer.deallocate()
  }

  /// The next event. After `streamEnd` or an error it is not to be called again.
  func next() throws(Problem) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { yaml_event_delete(&event) }
    let mark = mark(event.start_mark, event.end_mark)
    switch event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart(mark)
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "", mark)
    case YAML_SCALAR_EVENT:
      let data = event.data.scalar
      let style: Scalar.Style =
        switch data.style {
        case YAML_PLAIN_SCALAR_STYLE: .plain
        case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
        default: .quoted
        }
      let tag = text(data.tag)
      let value = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
      return .scalar(
        Scalar(text: value, style: style, tag: tag), anchor: text(data.anchor), tag: tag, mark)
    case YAML_SEQUENCE_START_EVENT:
      let data = event.data.sequence_start
      return .sequenceStart(
        anchor: text(data.anchor), tag: text(data.tag), flow: data.style == YAML_FLOW_SEQUENCE_STYLE, mark)
    case YAML_MAPPING_START_EVENT:
      let data = event.data.mapping_start
      return .mappingStart(
        anchor: text(data.anchor), tag: text(data.tag), flow: data.style == YAML_FLOW_MAPPING_STYLE, mark)
    case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .collectionEnd(mark)
    default: return .streamEnd
    }
  }

  private func failure() -> Problem {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "the text is not YAML"
    let context = parser.pointee.context.map { String(cString: $0) } ?? ""
    if parser.pointee.error == YAML_READER_ERROR {
      let place = source.position(ofByte: parser.pointee.problem_offset, in: buffer)
      return Explanation.reader(problem, byte: Int(parser.pointee.problem_value), at: place)
    }
    let start = parser.pointee.context_mark
    return Explanation.problem(
      problem, context: context, at: mark(parser.pointee.problem_mark, parser.pointee.problem_mark),
      since: context.isEmpty ? nil : mark(start, start), in: source)
  }

  private func mark(_ start: yaml_mark_t, _ end: yaml_mark_t) -> Mark {
    Mark(
      file: source.name, line: start.line + 1, column: start.column + 1, endLine: end.line + 1,
      endColumn: end.column + 1)
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: UnsafePointer<UInt8>($0)) }
  }
}

extension SourceFile {
  /// The place of a byte of the file's text.
  func position(ofByte offset: Int, in bytes: some Collection<UInt8>) -> Mark {
    let before = SourceFile(name: name, text: String(decoding: bytes.prefix(offset), as: UTF8.self) + ".")
    let column = before.lines.last?.unicodeScalars.count ?? 1
    return Mark(file: name, line: before.lines.count, column: column, endColumn: column + 1)
  }
}
