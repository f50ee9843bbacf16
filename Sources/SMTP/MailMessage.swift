package import Concurrency

/// One mail in plain text, and its form for the wire (RFC 5322, quoted-printable).
package struct MailMessage: Sendable, Hashable {
  package var from: String
  package var to: [String]
  package var subject: String
  /// Lines end with `\n`.
  package var text: String
  package var at: Timestamp
  /// Without angle brackets. The same id twice is shown once by most programs.
  package var id: String
  /// The id of the mail that this one belongs to.
  package var inReplyTo: String?

  package init(
    from: String, to: [String], subject: String, text: String, at: Timestamp, id: String,
    inReplyTo: String? = nil
  ) {
    self.from = from
    self.to = to
    self.subject = subject
    self.text = text
    self.at = at
    self.id = id
    self.inReplyTo = inReplyTo
  }

  /// Head and body with CRLF. No line break of a field gets into the head.
  package var bytes: [UInt8] {
    var fields = [
      ("Date", MailDate.text(at)), ("Message-ID", "<\(id)>"), ("From", from),
      ("To", to.joined(separator: ", ")), ("Subject", MailMessage.encodedWord(subject)),
    ]
    if let inReplyTo { fields.append(("In-Reply-To", "<\(inReplyTo)>")) }
    fields += [
      ("Auto-Submitted", "auto-generated"), ("MIME-Version", "1.0"),
      ("Content-Type", "text/plain; charset=utf-8"), ("Content-Transfer-Encoding", "quoted-printable"),
    ]
    let head = fields.map { "\($0.0): \(MailMessage.oneLine($0.1))\r\n" }.joined()
    return Array((head + "\r\n" + MailMessage.quotedPrintable(text)).utf8)
  }

  private static func oneLine(_ text: String) -> String {
    // An encoded word's own folding stays; nothing else may break the line.
    let parts = text.split(separator: "\r\n ", omittingEmptySubsequences: false)
    return parts.map { part in
      String(
        String.UnicodeScalarView(part.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
    }.joined(separator: "\r\n ")
  }

  /// RFC 2047 where the text is not plain ASCII, in words of at most 75 characters.
  static func encodedWord(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }), !text.contains("=?"), text.utf8.count < 900 {
      return text
    }
    var words: [String] = []
    var word = ""
    for character in text {
      var piece = ""
      for byte in String(character).utf8 {
        let plain =
          (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        piece += plain ? String(UnicodeScalar(byte)) : byte == 32 ? "_" : "=" + hex(byte)
      }
      if word.utf8.count + piece.utf8.count > 60, !word.isEmpty {
        words.append(word)
        word = ""
      }
      word += piece
    }
    words.append(word)
    return words.map { "=?utf-8?Q?\($0)?=" }.joined(separator: "\r\n ")
  }

  /// RFC 2045, lines of at most 76 characters.
  static func quotedPrintable(_ text: String) -> String {
    var result = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let bytes = Array(line.utf8)
      var width = 0
      for (index, byte) in bytes.enumerated() {
        let isBlankAtEnd = (byte == 32 || byte == 9) && index == bytes.count - 1
        let plain = (byte >= 32 && byte < 127 && byte != UInt8(ascii: "=")) || byte == 9
        let piece = plain && !isBlankAtEnd ? String(UnicodeScalar(byte)) : "=" + hex(byte)
        if width + piece.utf8.count > 75 {
          result += "=\r\n"
          width = 0
        }
        result += piece
        width += piece.utf8.count
      }
      result += "\r\n"
    }
    return result
  }

  private static func hex(_ byte: UInt8) -> String {
    let digits = Array("0123456789ABCDEF")
    return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
  }
}

/// The date of a mail's head.
enum MailDate {
  /// `Fri, 21 Aug 2026 10:00:00 +0000`
  static func text(_ at: Timestamp) -> String {
    let iso = at.iso8601
    let days = Int((at.milliseconds < 0 ? at.milliseconds - 86_399_999 : at.milliseconds) / 86_400_000)
    let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let date = iso.prefix(10).split(separator: "-")
    let month = date.count == 3 ? Int(date[1]).map { months[($0 - 1 + 12) % 12] } ?? "Jan" : "Jan"
    let day = date.count == 3 ? Int(date[2]) ?? 1 : 1
    return
      "\(names[((days % 7) + 7) % 7]), \(day) \(month) \(iso.prefix(4)) \(iso.dropFirst(11).prefix(8)) +0000"
  }
}
