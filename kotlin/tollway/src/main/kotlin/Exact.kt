/** Exact values as the engine writes them: decimals and instants as strings, whole quantities as numbers. */

package io.tollway

import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.time.Instant
import java.util.Base64
import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonEncoder
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonPrimitive

/** An amount of money, a price or a rate; in JSON a string, because a number may be read as a float. */
public typealias ExactDecimal = @Serializable(with = DecimalAsString::class) BigDecimal

/** A quantity; in JSON a number where it is whole, else a string. */
public typealias ExactQuantity = @Serializable(with = QuantityAsJson::class) BigDecimal

/** An instant, to the nanosecond; in JSON an RFC 3339 string. */
public typealias ExactInstant = @Serializable(with = InstantAsString::class) Instant

/** A vector of 32-bit numbers; in JSON a Base64 string of them, each with its lowest byte first. */
public typealias Vector = @Serializable(with = VectorAsString::class) List<Float>

/** Reads and writes decimals as strings, and refuses numbers. */
public object DecimalAsString : KSerializer<BigDecimal> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Decimal", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: BigDecimal): Unit = encoder.encodeString(value.toPlainString())

    override fun deserialize(decoder: Decoder): BigDecimal {
        val value = (decoder as? JsonDecoder)?.decodeJsonElement()?.jsonPrimitive
        val text = if (value == null) decoder.decodeString() else value.takeIf { it.isString }?.content
        return text?.toBigDecimalOrNull() ?: throw SerializationException("$value is no decimal string, such as \"0.15\"")
    }
}

/** Reads and writes quantities: numbers where they are whole, else strings. */
public object QuantityAsJson : KSerializer<BigDecimal> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Quantity", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: BigDecimal) {
        val whole = runCatching { value.longValueExact() }.getOrNull()
        if (encoder is JsonEncoder && whole != null) {
            encoder.encodeJsonElement(JsonPrimitive(whole))
        } else {
            encoder.encodeString(value.toPlainString())
        }
    }

    override fun deserialize(decoder: Decoder): BigDecimal {
        val text = (decoder as? JsonDecoder)?.decodeJsonElement()?.jsonPrimitive?.content ?: decoder.decodeString()
        return text.toBigDecimalOrNull() ?: throw SerializationException("$text is no quantity, such as 7 or \"8.5\"")
    }
}

/** Reads and writes instants as RFC 3339 strings. */
public object InstantAsString : KSerializer<Instant> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Instant", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: Instant): Unit = encoder.encodeString(value.toString())

    override fun deserialize(decoder: Decoder): Instant = Instant.parse(decoder.decodeString())
}

/** Reads and writes vectors as Base64 strings. */
public object VectorAsString : KSerializer<List<Float>> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Vector", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: List<Float>) {
        val bytes = ByteBuffer.allocate(value.size * Float.SIZE_BYTES).order(ByteOrder.LITTLE_ENDIAN)
        value.forEach(bytes::putFloat)
        encoder.encodeString(Base64.getEncoder().encodeToString(bytes.array()))
    }

    override fun deserialize(decoder: Decoder): List<Float> {
        val bytes = Base64.getDecoder().decode(decoder.decodeString())
        if (bytes.size % Float.SIZE_BYTES != 0) throw SerializationException("the string is no vector of 32-bit numbers")
        val numbers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return List(numbers.remaining()) { numbers[it] }
    }
}
