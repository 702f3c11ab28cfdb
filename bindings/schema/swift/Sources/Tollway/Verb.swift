// Verbs: what the engine is asked in JSON, and what it answers.

import Foundation

/// A verb: what it is called, what it takes, and what it returns.
public struct Verb<Arguments: Encodable & Sendable, Result: Decodable & Sendable>: Sendable {
    /// The name that the engine knows it by.
    public let name: String

    public init(_ name: String) {
        self.name = name
    }

    /// Writes arguments as JSON. What is nil was not given.
    public func encode(_ given: Arguments) throws -> Data {
        try JSONEncoder().encode(given)
    }

    /// Reads what the engine returned.
    public func decode(_ text: Data) throws -> Result {
        try JSONDecoder().decode(Result.self, from: text)
    }
}

/// Takes nothing.
public struct NoArguments: Codable, Hashable, Sendable {
    public init() {}
}

/// What verbs return that say nothing.
public struct NothingReturned: Codable, Hashable, Sendable {
    public init(from decoder: any Decoder) throws {
        guard try decoder.singleValueContainer().decodeNil() else {
            let detail = "the verb returned something, and should return null"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: detail))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}
