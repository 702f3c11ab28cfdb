// Exact values as the engine writes them: decimals and instants as strings, whole quantities as numbers.

import Foundation

/// An amount of money, a price or a rate; in JSON a string, because a number may be read as a float.
public struct ExactDecimal: Codable, Hashable, Sendable {
    public let value: Decimal

    public init(_ value: Decimal) {
        self.value = value
    }

    public init(from decoder: any Decoder) throws {
        value = try decimal(in: decoder, of: try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value.description)
    }
}

/// A quantity; in JSON a number where it is whole, else a string.
public struct ExactQuantity: Codable, Hashable, Sendable {
    public let value: Decimal

    public init(_ value: Decimal) {
        self.value = value
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let whole = try? container.decode(UInt64.self) {
            value = Decimal(whole)
        } else {
            value = try decimal(in: decoder, of: try container.decode(String.self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let whole = UInt64(value.description) {
            try container.encode(whole)
        } else {
            try container.encode(value.description)
        }
    }
}

/// An instant; in JSON an RFC 3339 string, which keeps the nanoseconds that a `Date` has no room for.
public struct ExactInstant: Codable, Hashable, Sendable {
    public let text: String

    public init(_ text: String) {
        self.text = text
    }

    public init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    /// The instant to the millisecond; nothing if the text is none.
    public var date: Date? {
        let fraction = text.firstIndex(of: ".")
        guard let fraction, let end = text[fraction...].firstIndex(where: { $0 == "Z" || $0 == "+" || $0 == "-" }) else {
            return ISO8601DateFormatter().date(from: text)
        }
        let whole = ISO8601DateFormatter().date(from: String(text[..<fraction]) + String(text[end...]))
        return whole.flatMap { whole in Double("0\(text[fraction..<end])").map { whole.addingTimeInterval($0) } }
    }
}

/// A vector of 32-bit numbers; in JSON a Base64 string of them, each with its lowest byte first.
public struct Vector: Codable, Hashable, Sendable {
    public let numbers: [Float]

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let bytes = Data(base64Encoded: try container.decode(String.self)) ?? Data()
        guard !bytes.isEmpty, bytes.count % 4 == 0 else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "the string is no vector of 32-bit numbers")
        }
        let packed = [UInt8](bytes)
        numbers = stride(from: 0, to: packed.count, by: 4).map { place in
            let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(packed[place + $1]) << UInt32(8 * $1) }
            return Float(bitPattern: bits)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        let packed = numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number.bitPattern >> (8 * $0)) } }
        var container = encoder.singleValueContainer()
        try container.encode(Data(packed).base64EncodedString())
    }
}

/// Any JSON value: what a provider or a caller defines.
public indirect enum JSONValue: Codable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Decimal)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Decimal.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// Reads a decimal to its last character; Foundation would stop at what it does not know.
private func decimal(in decoder: any Decoder, of text: String) throws -> Decimal {
    let isDecimal = !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }
    guard isDecimal, let value = Decimal(string: text, locale: Locale(identifier: "en_US_POSIX")) else {
        let detail = "\(text) is no decimal string, such as \"0.15\""
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: detail))
    }
    return value
}
