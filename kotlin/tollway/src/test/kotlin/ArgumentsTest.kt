package io.tollway

import java.math.BigDecimal
import java.time.Instant
import kotlin.io.path.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.readText
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

public class ArgumentsTest {
    @Test
    public fun whatWasNotGivenIsNotWritten() {
        val given = BudgetOptions(user = "alice", limit = BigDecimal("5.00"), currency = "USD", window = "month")
        assertEquals("""{"user":"alice","limit":"5.00","currency":"USD","window":"month"}""", BudgetsVerbs.set.encode(given))
        assertEquals("{}", ModelsVerbs.list.encode(NoArguments))
    }

    @Test
    public fun aTextIsChangedOrRemovedOrLeft() {
        val given = ModelChanges(model = "house", alias = Change(null), description = Change("Ours."))
        assertEquals("""{"model":"house","alias":null,"description":"Ours."}""", ModelsVerbs.update.encode(given))
    }

    @Test
    public fun amountsInstantsAndPricesAreExact() {
        val price = PriceDraft(
            unitPrice = BigDecimal("0.15"),
            unit = PriceUnit.PER_1M_TOKENS,
            currency = "USD",
            conditions = Conditions(inputTokens = Range(above = BigDecimal(200_000)), serviceTier = listOf("batch")),
            effectiveDate = Instant.parse("2026-01-01T00:00:00Z"),
        )
        val written = """{"model":"house","prices":{"input_token":[{"unit_price":"0.15","unit":"per_1m_tokens","currency":"USD",""" +
            """"conditions":{"input_tokens":{"above":200000},"service_tier":["batch"]},""" +
            """"effective_date":"2026-01-01T00:00:00Z"}]}}"""
        assertEquals(written, PricesVerbs.set.encode(PricesSetArguments(model = "house", prices = mapOf("input_token" to listOf(price)))))
    }

    @Test
    public fun aSecretIsNotShown() {
        val given = ModelParameters(name = "acme/duck", apiKey = "sk-98765432")
        assertEquals("ModelParameters(...)", given.toString())
        assertTrue("98765432" in ModelsVerbs.add.encode(given))
    }

    @Test
    public fun whatSaysNothingReturnsNull() {
        assertEquals(Unit, BudgetsVerbs.delete.decode("null"))
        assertFailsWith<SerializationException> { BudgetsVerbs.delete.decode("true") }
    }

    /** What scenarios give to the engine is what these classes say, and no other. */
    @Test
    public fun argumentsOfScenariosAreReadAndWrittenAsTheyWere() {
        val verbs = EVERY_VERB.associateBy { it.name }
        val seen = mutableSetOf<String>()
        for (path in Path("../../tests/conformance").listDirectoryEntries("[0-9]*.json").sorted()) {
            val steps = Json.parseToJsonElement(path.readText()).jsonObject.getValue("steps").jsonArray.map { it.jsonObject }
            for (step in steps.filter { "call" in it && "error" !in it }) {
                val name = step.getValue("call").jsonPrimitive.content
                val given = inLists(step["arguments"] ?: JsonObject(emptyMap()))
                // What an earlier step returned stands for itself there.
                if (Regex("\"\\{[a-z]+\\}\"") in given.toString() || hasUnknownFields(given)) continue
                @Suppress("UNCHECKED_CAST")
                val serializer = verbs.getValue(name).arguments as KSerializer<Any>
                val read = Json.decodeFromJsonElement(serializer, given)
                assertEquals(plain(given), plain(Json.encodeToJsonElement(serializer, read)), "$path: $name")
                seen += name
            }
        }
        assertTrue(seen.containsAll(listOf("chat", "quote", "embed", "models.add", "prices.set", "routes.set", "budgets.set", "fx.set")), "$seen")
    }

    @Test
    public fun everyVerbOfTheEngineIsThere() {
        val schema = Json.parseToJsonElement(Path("../../bindings/schema/schema.json").readText()).jsonObject
        assertEquals(schema.getValue("verbs").jsonObject.keys, EVERY_VERB.map { it.name }.toSet())
    }

    /** Whether a request has fields that only some providers know, which stand in `extra` here. */
    private fun hasUnknownFields(given: JsonElement): Boolean {
        val request = given.jsonObject["request"] as? JsonObject ?: return false
        val known = Json.parseToJsonElement(Path("../../bindings/schema/schema.json").readText()).jsonObject.getValue("arguments").jsonObject
        val names = listOf("ChatRequest", "EmbedRequest", "RerankRequest").flatMap { known.getValue(it).jsonObject.getValue("properties").jsonObject.keys }
        return !names.containsAll(request.keys)
    }

    /** Numbers as they are compared, and no null that says nothing. */
    private fun plain(value: JsonElement): JsonElement = when (value) {
        is JsonObject -> JsonObject(value.filterValues { it !is JsonNull }.mapValues { plain(it.value) })
        is JsonArray -> JsonArray(value.map(::plain))
        is JsonPrimitive -> if (value.isString) value else JsonPrimitive(value.content)
    }
}
