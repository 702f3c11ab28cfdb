package io.tollway

import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.delay
import kotlinx.coroutines.withTimeout
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** A whole key, because a passphrase is slow to derive a key of at every opening. */
internal const val MASTER_KEY: String = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"

/** A provider on loopback that answers by itself, or by a script. It ends when its standard input closes. */
internal class MockProvider : AutoCloseable {
    private val program = ProcessBuilder(binary()).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val http = HttpClient.newHttpClient()
    val address: String = Regex("listening on (http:\\S+)").find(program.inputStream.bufferedReader().readLine())!!.groupValues[1]

    /** The base URL of replies that it makes by itself. */
    val baseUrl: String = "$address/v1"

    /** Registers a script, and returns the base URL that plays it. */
    fun script(name: String, replies: JsonElement, then: JsonElement = JsonPrimitive("repeat_last")): String {
        val script = buildJsonObject {
            put("replies", replies)
            put("then", then)
        }
        send("PUT", "/_mock/scripts/$name", script.toString())
        return "$address/s/$name/v1"
    }

    fun script(name: String, replies: String): String = script(name, Json.parseToJsonElement(replies))

    /** Returns what it received for a script. */
    fun requests(script: String): JsonElement = Json.parseToJsonElement(send("GET", "/_mock/requests?script=$script&last=1000"))

    /** Returns how many requests of a script have begun, ended, and were closed by the caller. */
    fun counts(script: String): Map<String, Int> {
        val scripts = Json.parseToJsonElement(send("GET", "/_mock/counts")).jsonObject.getValue("scripts").jsonObject
        return scripts[script]?.jsonObject?.mapValues { (_, count) -> count.jsonPrimitive.int }.orEmpty()
    }

    private fun send(method: String, path: String, body: String? = null): String {
        val publisher = body?.let(HttpRequest.BodyPublishers::ofString) ?: HttpRequest.BodyPublishers.noBody()
        val request = HttpRequest.newBuilder(URI("$address$path")).method(method, publisher).build()
        val response = http.send(request, HttpResponse.BodyHandlers.ofString())
        assertTrue(response.statusCode() < 300, response.body())
        return response.body()
    }

    override fun close() {
        program.outputStream.close()
        assertEquals(0, program.waitFor())
    }

    private companion object {
        fun binary(): String =
            checkNotNull(System.getenv("TOLLWAY_MOCK_PROVIDER")) { "set TOLLWAY_MOCK_PROVIDER to the mock provider; make test-kotlin does" }
    }
}

/** Does something with a folder that goes with it. */
@OptIn(ExperimentalPathApi::class)
internal suspend fun <T> inFolder(work: suspend (Path) -> T): T {
    val folder = Files.createTempDirectory("tollway-test-")
    try {
        return work(folder)
    } finally {
        folder.deleteRecursively()
    }
}

/** Waits until something holds. */
internal suspend fun eventually(within: Duration = 5.seconds, holds: suspend () -> Boolean): Unit =
    withTimeout(within) {
        while (!holds()) delay(5)
    }

internal val PRICES: Map<String, List<PriceDraft>> =
    mapOf("input_token" to "0.15", "output_token" to "0.60").mapValues { (_, amount) ->
        listOf(PriceDraft(unitPrice = amount.toBigDecimal(), unit = PriceUnit.PER_1M_TOKENS, currency = "USD"))
    }

internal fun JsonElement.asList(): List<JsonElement> = this as JsonArray
