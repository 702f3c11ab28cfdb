package io.tollway

import java.math.BigDecimal
import java.nio.file.Path
import java.time.Instant
import kotlin.io.path.Path
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.test.assertEquals
import kotlin.test.assertFails
import kotlin.test.assertTrue
import kotlin.test.fail
import kotlin.time.TimeSource
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.double
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory

private val FOLDER = Path("../../tests/conformance")

/** Runs the scenarios of `tests/conformance`; their README describes them. */
public class ConformanceTest {
    @TestFactory
    public fun scenarios(): List<DynamicTest> {
        val paths = FOLDER.listDirectoryEntries("*.json").filter { it.name.first().isDigit() }.sortedBy { it.name }
        assertTrue(paths.size >= 30, "only ${paths.size} scenarios were found")
        return paths.map { path -> DynamicTest.dynamicTest(path.name) { runBlocking { play(path) } } }
    }

    @Test
    public fun aScenarioWithAWrongExpectationFails() {
        val found = Json.parseToJsonElement("""{"text":"a b","amount":"0.10","wait":5,"list":[1,2]}""")
        val right =
            """{"text":{"${'$'}contains":"a"},"amount":{"${'$'}decimal":"0.1"},"list":[1,2],"other":{"${'$'}absent":true}}"""
        compare(Json.parseToJsonElement(right), found, "")
        val wrong = listOf(
            """{"text":{"${'$'}contains":"c"}}""",
            """{"amount":"0.1"}""",
            """{"amount":{"${'$'}decimal":"0.2"}}""",
            """{"wait":{"${'$'}between":[6,7]}}""",
            """{"list":[1]}""",
            """{"list":{"${'$'}contains":3}}""",
            """{"text":{"${'$'}absent":true}}""",
            """{"other":{"${'$'}present":true}}""",
            """{"other":null}""",
            """{"text":{"${'$'}unknown":1}}""",
        )
        for (each in wrong) assertFails(each) { compare(Json.parseToJsonElement(each), found, "") }
    }

    private suspend fun play(path: Path) {
        val scenario = Json.parseToJsonElement(path.readText()).jsonObject
        inFolder { folder ->
            MockProvider().use { mock ->
                for ((name, script) in scenario["scripts"]?.jsonObject.orEmpty()) {
                    mock.script(name, script.jsonObject.getValue("replies"), script.jsonObject["then"] ?: JsonPrimitive("repeat_last"))
                }
                val run = Run(folder, mock, scenario["settings"] ?: JsonObject(emptyMap()))
                try {
                    run.play(scenario)
                } finally {
                    run.tollway.shutdown()
                }
            }
        }
    }
}

/** One scenario under way, with a file of its own. */
private class Run(private val folder: Path, private val mock: MockProvider, private val settings: JsonElement) {
    private val logs = ArrayDeque<LogRecord>()
    private val saved = mutableMapOf<String, JsonElement>(
        "mock" to JsonPrimitive(mock.address),
        "folder" to JsonPrimitive(folder.toString()),
        "masterkey" to JsonPrimitive(MASTER_KEY),
    )
    var tollway: Tollway = runBlocking { open(folder.resolve("app.tollway").toString()) }

    private suspend fun open(path: String): Tollway {
        val options = OpenOptions(masterKey = MASTER_KEY, settings = Json.decodeFromJsonElement(Settings.serializer(), settings))
        return Tollway.open(path, options, onLog = { if (it.level != "debug") synchronized(logs) { logs.add(it) } })
    }

    suspend fun play(scenario: JsonObject) {
        for ((field, verb) in listOf("models" to "models.add", "routes" to "routes.set", "budgets" to "budgets.set")) {
            for (arguments in scenario[field]?.jsonArray.orEmpty()) {
                step(JsonObject(mapOf("call" to JsonPrimitive(verb), "arguments" to arguments)))
            }
        }
        scenario.getValue("steps").jsonArray.forEachIndexed { place, step ->
            try {
                step(step.jsonObject)
            } catch (failure: Throwable) {
                throw AssertionError("step ${place + 1} (${step.jsonObject["call"] ?: step.jsonObject.keys.first()}): $failure", failure)
            }
        }
    }

    private suspend fun step(step: JsonObject) {
        step["reopen"]?.let {
            tollway.shutdown()
            val path = if (it.jsonPrimitive.booleanOrNull == true) folder.resolve("app.tollway").toString() else filled(it).jsonPrimitive.content
            tollway = open(path)
            return
        }
        step["requests"]?.let {
            return compare(filled(step.getValue("expect")), mock.requests(it.jsonPrimitive.content), "")
        }
        if (step["logs"] != null) {
            val expected = filled(step.getValue("expect")).jsonArray
            eventually { synchronized(logs) { logs.size } >= expected.size }
            val found = synchronized(logs) { logs.toList().also { logs.clear() } }
            return compare(expected, json(kotlinx.serialization.builtins.ListSerializer(LogRecord.serializer()), found), "")
        }
        val begin = TimeSource.Monotonic.markNow()
        val (result, error) = outcome(step)
        val seconds = begin.elapsedNow().inWholeMilliseconds / 1_000.0
        val least = step["at_least_seconds"]?.jsonPrimitive?.double ?: 0.0
        val most = step["at_most_seconds"]?.jsonPrimitive?.double ?: 60.0
        assertTrue(seconds in least..most, "it took $seconds s")
        val expected = step["error"]
        when {
            error == null -> assertTrue(expected == null, "it should fail, and gave $result")
            expected == null -> throw error
            else -> compare(filled(expected), json(ErrorInfo.serializer(), error.info), "/error")
        }
        if (result == null) return
        step["expect"]?.let { compare(filled(it), inScenarioWords(result), "") }
        for ((name, pointer) in step["save"]?.jsonObject.orEmpty()) saved[name] = at(inScenarioWords(result), pointer.jsonPrimitive.content)
    }

    private suspend fun outcome(step: JsonObject): Pair<JsonElement?, TollwayException?> =
        try {
            when {
                step["stream"] != null -> stream(filled(step.getValue("stream")).jsonObject)
                step["fetch"] != null -> fetch(filled(step.getValue("fetch")).jsonObject) to null
                else -> call(step.getValue("call").jsonPrimitive.content, filled(step["arguments"] ?: JsonObject(emptyMap())), "error" in step) to null
            }
        } catch (error: TollwayException) {
            null to error
        }

    /** Calls a verb with typed arguments, and returns its result as the engine wrote it, once it was read as its type and lost nothing. */
    private suspend fun call(name: String, arguments: JsonElement, mayBeWrong: Boolean): JsonElement {
        val verb = VERBS.getValue(name)
        val text = encoded(verb, arguments, mayBeWrong)
        val written = if (name in APART) textApart(name, text) else tollway.engine.text(name, text)
        return Json.parseToJsonElement(written).also { checkRead(verb, it) }
    }

    private fun <Arguments, Result> encoded(verb: Verb<Arguments, Result>, given: JsonElement, mayBeWrong: Boolean): String {
        val shaped = shaped(verb.name, given)
        val typed = try {
            Json.decodeFromJsonElement(verb.arguments, shaped)
        } catch (failure: SerializationException) {
            // What the types do not allow must be refused by the engine too.
            if (!mayBeWrong) throw failure
            return given.toString()
        }
        return verb.encode(typed)
    }

    private fun <Arguments, Result> checkRead(verb: Verb<Arguments, Result>, written: JsonElement) {
        agree(written, json(verb.result, verb.decode(written.toString())), verb.name)
    }

    /** Reads a stream to its end: the joined text, the number of its pieces, and the settled reply. */
    private suspend fun stream(given: JsonObject): Pair<JsonElement, TollwayException?> {
        val typed = Json.decodeFromJsonElement(ChatParameters.serializer(), shaped("chat", given))
        val pieces = mutableListOf<String>()
        var reply: JsonElement = JsonNull
        val error = try {
            tollway.chatStream(typed.request, typed.extra, typed.options).collect { event ->
                if (event.text.isNotEmpty()) pieces += event.text
                event.reply?.let { reply = json(ChatReply.serializer(), it) }
            }
            null
        } catch (error: TollwayException) {
            error
        }
        val result = buildJsonObject {
            put("text", JsonPrimitive(pieces.joinToString("")))
            put("deltas", JsonPrimitive(pieces.size))
            put("reply", reply)
        }
        return result to error
    }

    /** Makes a request as a vendor's own library does, and reads its whole answer. */
    private suspend fun fetch(given: JsonObject): JsonElement {
        val text = given["text"]?.jsonPrimitive?.content ?: given["json"]?.toString().orEmpty()
        val request = FetchRequest(
            method = given.getValue("method").jsonPrimitive.content,
            url = given.getValue("url").jsonPrimitive.content,
            headers = given["headers"]?.jsonObject.orEmpty().map { (name, value) -> name to value.jsonPrimitive.content },
            body = text.toByteArray(),
        )
        val options = given["options"]?.let { Json.decodeFromJsonElement(CallOptions.serializer(), it) }
        val response = tollway.fetch(request, given["model"]?.jsonPrimitive?.content, options)
        val body = response.body.toList().fold(ByteArray(0), ByteArray::plus).decodeToString()
        return buildJsonObject {
            put("status", JsonPrimitive(response.status))
            put("headers", JsonObject(response.headers.associate { (name, value) -> name to JsonPrimitive(value) }))
            put("body", JsonPrimitive(body))
            runCatching { Json.parseToJsonElement(body) }.onSuccess { put("json", it) }
            put("events", JsonArray(body.split("\n\n").filter(String::isNotEmpty).map(::serverEvent)))
        }
    }

    /** Puts what was saved in the place of `{name}`: as it is where the text is nothing else, or else as text. */
    private fun filled(value: JsonElement): JsonElement =
        when (value) {
            is JsonArray -> JsonArray(value.map(::filled))
            is JsonObject -> JsonObject(value.mapValues { (_, field) -> filled(field) })
            is JsonPrimitive -> if (value.isString) filledText(value.content) else value
        }

    private fun filledText(text: String): JsonElement {
        Regex("\\{([a-z]+)}").matchEntire(text)?.let { return saved[it.groupValues[1]] ?: fail("nothing was saved as $text") }
        return JsonPrimitive(Regex("\\{([a-z]+)}").replace(text) { saved[it.groupValues[1]]?.jsonPrimitive?.content ?: it.value })
    }
}

private val VERBS: Map<String, Verb<*, *>> = EVERY_VERB.associateBy { it.name }
private val APART = setOf("ledger.restore", "ledger.compact", "ledger.import_file")
private val whole = Json { encodeDefaults = true }

private fun <T> json(serializer: KSerializer<T>, value: T): JsonElement = whole.encodeToJsonElement(serializer, value)

/** Checks that a result was read as a type without losing anything: what is not there is null or empty in the type. */
private fun agree(written: JsonElement, read: JsonElement, place: String) {
    when {
        written is JsonObject && read is JsonObject -> {
            for ((name, value) in written) agree(value, read[name] ?: fail("at $place: $name was not read"), "$place/$name")
        }
        written is JsonArray && read is JsonArray -> {
            assertEquals(written.size, read.size, place)
            written.zip(read).forEachIndexed { index, (one, other) -> agree(one, other, "$place/$index") }
        }
        written is JsonPrimitive && read is JsonPrimitive && !written.isString && written.doubleOrNull != null ->
            assertEquals(0, BigDecimal(written.content).compareTo(BigDecimal(read.content)), "at $place: $written became $read")
        // An instant has as many digits in Java as it likes.
        instant(written) != null -> assertEquals(instant(written), instant(read), place)
        else -> assertEquals(written, read, place)
    }
}

private fun instant(value: JsonElement): Instant? =
    (value as? JsonPrimitive)?.takeIf { it.isString }?.let { runCatching { Instant.parse(it.content) }.getOrNull() }

/** Writes arguments in the one form that the types have where the engine takes several. */
private fun shaped(verb: String, given: JsonElement): JsonElement {
    val fields = inLists(given).jsonObject.toMutableMap()
    val request = fields["request"]
    if (verb in CALLS && request is JsonObject) {
        val known = CALLS.getValue(verb)
        fields["request"] = JsonObject(request.filterKeys { it in known }.mapValues { (name, value) -> if (name == "stop") listed(value) else value })
        val extra = request.filterKeys { it !in known }
        if (extra.isNotEmpty()) fields["extra"] = JsonObject(extra)
    }
    return JsonObject(fields)
}

private val CALLS: Map<String, Set<String>> = mapOf(
    "chat" to ChatRequest.serializer(),
    "quote" to ChatRequest.serializer(),
    "embed" to EmbedRequest.serializer(),
    "rerank" to RerankRequest.serializer(),
).mapValues { (_, serializer) -> serializer.descriptor.run { (0 until elementsCount).map(::getElementName).toSet() } }

private fun listed(value: JsonElement): JsonElement = value as? JsonArray ?: JsonArray(listOf(value))

private val AMOUNTS = setOf("limit", "amount", "monthly", "quantity", "unit_price", "rate", "cost", "low_water")

/** One price of a meter, and one word of a condition, as the list that it stands for. */
internal fun inLists(value: JsonElement, name: String = ""): JsonElement = when {
    value is JsonObject && name == "prices" ->
        JsonObject(value.mapValues { (_, each) -> JsonArray((each as? JsonArray ?: listOf(each)).map { inLists(it) }) })
    value is JsonObject && name == "conditions" ->
        JsonObject(value.mapValues { (key, each) -> if (each is JsonPrimitive && each.isString && key != "scale") JsonArray(listOf(each)) else each })
    value is JsonObject -> JsonObject(value.mapValues { (key, each) -> inLists(each, key) })
    // The engine takes whole amounts as numbers too.
    value is JsonPrimitive && name in AMOUNTS && !value.isString && value != JsonNull -> JsonPrimitive(value.content)
    else -> value
}

/** Reads a server-sent event: its name, where it has one, and its data, as JSON where it is. */
private fun serverEvent(text: String): JsonElement = buildJsonObject {
    for (line in text.lines()) {
        val (name, value) = line.split(": ", limit = 2).let { it.first() to it.getOrElse(1) { "" } }
        if (name == "event") put("event", JsonPrimitive(value))
        if (name == "data") put("data", if (value == "[DONE]") JsonPrimitive(value) else runCatching { Json.parseToJsonElement(value) }.getOrDefault(JsonPrimitive(value)))
    }
}

/**
 * Puts a result in the words of scenarios, which are older than those in which results are shown: a model without its provider, a tool
 * call with its nesting, a budget with its scope.
 */
private fun inScenarioWords(value: JsonElement): JsonElement {
    if (value is JsonArray) return JsonArray(value.map(::inScenarioWords))
    if (value !is JsonObject) return value
    val fields = value.mapValues { (_, field) -> inScenarioWords(field) }.toMutableMap()
    fun text(name: String) = (fields[name] as? JsonPrimitive)?.takeIf { it.isString }?.content
    val isOneCall = listOf("attempts", "record_uid", "uid").any { it in fields }
    val (provider, model, limit) = listOf(text("provider"), text("model"), text("limit"))
    when {
        isOneCall && provider != null && model != null && model.startsWith("$provider/") ->
            fields["model"] = JsonPrimitive(model.removePrefix("$provider/"))
        text("name") != null && text("arguments") != null && "type" in fields ->
            fields["function"] = JsonObject(mapOf("name" to fields.getValue("name"), "arguments" to fields.getValue("arguments")))
        limit != null && "window" in fields -> {
            fields["scope"] = scope(text("user"), fields["tag"] as? JsonArray)
            val currency = text("currency")
            fields["limit"] = buildJsonObject {
                if (currency == null) {
                    put("tokens", JsonPrimitive(limit.toLong()))
                } else {
                    put("money", JsonObject(mapOf("amount" to JsonPrimitive(limit), "currency" to JsonPrimitive(currency))))
                }
            }
        }
    }
    return JsonObject(fields)
}

private fun scope(user: String?, tag: JsonArray?): JsonElement = buildJsonObject {
    put("type", JsonPrimitive(if (user != null) "user" else if (tag != null) "tag" else "everyone"))
    if (user != null) {
        put("user", JsonPrimitive(user))
    } else if (tag != null) {
        put("key", tag[0])
        put("value", tag[1])
    }
}

private fun at(value: JsonElement, pointer: String): JsonElement =
    pointer.split("/").drop(1).fold(value) { found, part -> if (found is JsonArray) found[part.toInt()] else found.jsonObject.getValue(part) }

/** Compares: objects hold at least what is expected, lists are as long and equal item by item, all else is equal. */
private fun compare(expected: JsonElement, found: JsonElement, place: String) {
    fun check(holds: Boolean) = assertTrue(holds, "at $place: expected $expected, found $found")
    when {
        expected is JsonObject && expected.keys.any { it.startsWith("$") } -> check(expected.all { (key, wanted) -> fits(key, wanted, found) })
        expected is JsonObject && found is JsonObject -> for ((key, wanted) in expected) {
            if (wanted is JsonObject && wanted["\$absent"] == JsonPrimitive(true)) {
                assertTrue(key !in found || found[key] == JsonNull || found[key] == JsonArray(emptyList()), "at $place: $key should be absent")
            } else {
                compare(wanted, found[key] ?: fail("at $place: there is no $key in $found"), "$place/$key")
            }
        }
        expected is JsonArray && found is JsonArray -> {
            check(expected.size == found.size)
            expected.zip(found).forEachIndexed { index, (wanted, item) -> compare(wanted, item, "$place/$index") }
        }
        else -> check(expected == found || numbers(expected, found))
    }
}

/** Tells whether two numbers that are no money are equal: 7 and 7.0. */
private fun numbers(expected: JsonElement, found: JsonElement): Boolean {
    val (one, other) = listOf(expected, found).map { (it as? JsonPrimitive)?.takeUnless(JsonPrimitive::isString)?.doubleOrNull }
    return one != null && one == other
}

private fun fits(key: String, wanted: JsonElement, found: JsonElement): Boolean =
    when (key) {
        "\$present" -> found != JsonNull
        "\$decimal" -> (found as? JsonPrimitive)?.takeIf { it.isString }?.content?.toBigDecimalOrNull()?.compareTo(BigDecimal(wanted.jsonPrimitive.content)) == 0
        "\$between" -> (found as? JsonPrimitive)?.doubleOrNull?.let { it in wanted.asList()[0].jsonPrimitive.double..wanted.asList()[1].jsonPrimitive.double } == true
        "\$contains" -> listed(wanted).asList().all { part ->
            if (found is JsonArray) part in found else found is JsonPrimitive && found.isString && part.jsonPrimitive.contentOrNull.orEmpty() in found.content
        }
        else -> false
    }
