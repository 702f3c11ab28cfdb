/** Verbs: what the engine is asked in JSON, and what it answers. */

package io.tollway

import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonDecoder
import kotlinx.serialization.json.JsonEncoder
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive

/** Reads what the engine writes. Fields that are not known yet are left out. */
internal val lenient: Json = Json { ignoreUnknownKeys = true }

/** A verb: the name that the engine knows it by, and how what it takes and returns is written. */
internal class Verb<Arguments, Result>(
    val name: String,
    val arguments: KSerializer<Arguments>,
    val result: KSerializer<Result>,
) {
    /** Writes arguments as JSON. What is null was not given. */
    fun encode(given: Arguments): String = Json.encodeToString(arguments, given)

    /** Reads what the engine returned. */
    fun decode(text: String): Result = lenient.decodeFromString(result, text)
}

/** Takes nothing. */
@Serializable
internal data object NoArguments

/** Reads and writes null, which verbs return that say nothing. */
internal object NothingReturned : KSerializer<Unit> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Nothing", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: Unit): Unit = writeText(encoder, null)

    override fun deserialize(decoder: Decoder) {
        val found = (decoder as JsonDecoder).decodeJsonElement()
        if (found != JsonNull) throw SerializationException("the verb returned $found, and should return null")
    }
}

/** A text to put in the place of another, or null to remove that. */
@Serializable(with = ChangeAsJson::class)
public data class Change(public val value: String?)

/** Writes the text, or null. */
public object ChangeAsJson : KSerializer<Change> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("tollway.Change", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: Change): Unit = writeText(encoder, value.value)

    override fun deserialize(decoder: Decoder): Change = Change(decoder.decodeString())
}

private fun writeText(encoder: Encoder, text: String?): Unit = (encoder as JsonEncoder).encodeJsonElement(JsonPrimitive(text))
