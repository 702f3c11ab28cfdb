package io.tollway

import java.math.BigDecimal
import java.time.Instant
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json

public class ResultsTest {
    private val line = """
        {"attempt":1,"model":"acme/duck","meter":"input_audio_second","quantity":"8.5","billed_quantity":10,"unit_price":"0.006",
        "unit":"per_minute","price_id":3,"amount":"0.00050","currency":"USD"}
    """

    @Test
    public fun aLineIsReadToItsLastDigitAndWrittenAsItWas() {
        val read = Json.decodeFromString<ReceiptLine>(line)
        assertEquals(BigDecimal("0.00050"), read.amount)
        assertEquals(BigDecimal("8.5"), read.quantity)
        assertEquals(Meter.INPUT_AUDIO_SECOND to PriceUnit.PER_MINUTE, read.meter to read.unit)
        assertEquals(emptyList(), read.modifiers)
        assertEquals(Json.parseToJsonElement(line), Json.encodeToJsonElement(ReceiptLine.serializer(), read))
    }

    @Test
    public fun aFloatIsNoAmount() {
        assertFailsWith<SerializationException> {
            Json.decodeFromString<ReceiptLine>(line.replace("\"0.00050\"", "0.00050"))
        }
    }

    @Test
    public fun instantsKeepTheirNanoseconds() {
        val text = """{"from":"2026-01-01T00:00:00.123456789Z","known_from":"2026-01-01T00:00:00Z"}"""
        assertEquals(Instant.parse("2026-01-01T00:00:00.123456789Z"), Json.decodeFromString<Superseded>(text).from)
        assertEquals(text, Json.encodeToString(Superseded.serializer(), Json.decodeFromString<Superseded>(text)))
    }
}
